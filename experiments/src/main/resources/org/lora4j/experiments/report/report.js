'use strict';
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById('data').textContent);
  const charts = [];
  root.classList.add('js');

  const color = name => getComputedStyle(root).getPropertyValue('--' + name).trim();
  const points = (xs, ys) => xs.map((x, i) => ({x, y: ys[i]}));
  const whole = x => x.toLocaleString('en-US', {maximumFractionDigits: 0});
  const digits = (x, n) => Number(x.toPrecision(n)).toString();
  const wholeSteps = value => Number.isInteger(value) ? whole(value) : null;

  /* Round numbers for a logarithmic axis: as many to a decade as leave no more than nine. */
  function roundTicks(min, max) {
    for (const mantissas of [[1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9], [1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1]]) {
      const ticks = [];
      for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
        for (const mantissa of mantissas) ticks.push({value: mantissa * 10 ** power});
      }
      const seen = ticks.filter(tick => tick.value >= min && tick.value <= max);
      if (seen.length <= 9 || mantissas.length === 1) return seen;
    }
  }

  /* A thin upright line where the pointer is. */
  const ruler = {
    id: 'ruler',
    beforeDatasetsDraw(chart) {
      const active = chart.tooltip?.getActiveElements?.() ?? [];
      if (active.length === 0) return;
      const {ctx, chartArea: {top, bottom}} = chart;
      ctx.save();
      ctx.strokeStyle = color('was');
      ctx.beginPath();
      ctx.moveTo(active[0].element.x, top);
      ctx.lineTo(active[0].element.x, bottom);
      ctx.stroke();
      ctx.restore();
    },
  };

  /* All lines at the step nearest to the pointer: of each line its own nearest point, if that is not far off. */
  Chart.Interaction.modes.step = (chart, event) => {
    const step = chart.scales.x.getValueForPixel(event.x);
    const near = chart.getSortedVisibleDatasetMetas().flatMap(meta => {
      let best = null;
      meta.data.forEach((element, index) => {
        const {x} = meta._parsed[index];
        if (best === null || Math.abs(x - step) < Math.abs(best.x - step)) best = {x, item: {element, datasetIndex: meta.index, index}};
      });
      return best === null ? [] : [best];
    });
    const least = Math.min(...near.map(n => Math.abs(n.x - step)));
    const at = near.find(n => Math.abs(n.x - step) === least);
    return near.filter(n => n.x === at.x || Math.abs(chart.scales.x.getPixelForValue(n.x) - event.x) < 6).map(n => n.item);
  };

  const line = (label, points, name, width, more) => ({
    label, data: points, themed: name, clip: 8, borderWidth: width, pointRadius: 0, pointHoverRadius: 4, pointHitRadius: 0,
    borderColor: () => color(name), pointBackgroundColor: () => color(name), pointHoverBackgroundColor: () => color(name),
    pointBorderColor: () => color('surface'), pointHoverBorderColor: () => color('surface'), ...more,
  });

  function draw(id, lines, options) {
    const canvas = document.getElementById(id);
    if (canvas === null) return null;
    const chart = new Chart(canvas, {
      type: 'line',
      data: {datasets: lines},
      plugins: [ruler],
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
        interaction: {mode: 'step', intersect: false},
        layout: {padding: {top: 4, right: 6}},
        elements: {line: {borderJoinStyle: 'round', tension: 0}},
        scales: {
          x: {type: 'linear', min: 0, max: Math.max(1, ...data.step.slice(-1), ...data.devStep.slice(-1)),
              border: {display: false}, grid: {display: false},
              ticks: {maxTicksLimit: 9, maxRotation: 0, callback: wholeSteps}},
          y: {border: {display: false}, ticks: {maxTicksLimit: options.ticks, callback: options.tick}, beginAtZero: true,
              afterBuildTicks: axis => { if (axis.type === 'logarithmic') axis.ticks = roundTicks(axis.min, axis.max); }},
        },
        plugins: {
          legend: {display: false},
          tooltip: {
            padding: 10, cornerRadius: 8, displayColors: lines.length > 1, usePointStyle: true, boxWidth: 8, boxHeight: 8, boxPadding: 5,
            callbacks: {
              title: items => items.length === 0 ? '' : 'Step ' + whole(items[0].parsed.x),
              label: item => options.label(item),
              labelColor: item => ({borderColor: color(item.dataset.themed), backgroundColor: color(item.dataset.themed)}),
              labelPointStyle: () => ({pointStyle: 'circle', rotation: 0}),
            },
          },
        },
      },
    });
    charts.push(chart);
    return chart;
  }

  function paint() {
    for (const chart of charts) {
      for (const axis of Object.values(chart.options.scales)) axis.ticks.color = color('soft');
      chart.options.scales.y.grid = {color: color('line')};
      const tooltip = chart.options.plugins.tooltip;
      tooltip.backgroundColor = color('ink');
      tooltip.titleColor = tooltip.bodyColor = color('paper');
      chart.update();
    }
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;

  const loss = draw('loss', [
    line('dev', points(data.devStep, data.devLoss), 'dev', 2, {pointRadius: 4, pointHoverRadius: 6, pointBorderWidth: 1.5}),
    line('smoothed', points(data.step, data.smoothed), 'after', 2.5, {}),
    line('training', points(data.step, data.loss), 'raw', 1, {}),
  ], {
    ticks: 7,
    tick: value => digits(value, 3),
    label: item => item.dataset.label === 'dev' && data.devPerplexity[item.dataIndex] !== null
        ? `dev  ${item.parsed.y.toFixed(3)}  (perplexity ${digits(data.devPerplexity[item.dataIndex], 3)})`
        : `${item.dataset.label}  ${item.parsed.y.toFixed(3)}`,
  });
  const measured = draw('measure', [line('dev', points(data.devStep, data.devMeasure), 'dev', 2, {pointRadius: 3, pointHoverRadius: 5})], {
    ticks: 4, tick: value => digits(value, 3), label: item => item.parsed.y.toFixed(4),
  });
  if (measured !== null) measured.options.scales.y.beginAtZero = false;
  draw('rate', [line('learning rate', points(data.step, data.learningRate), 'rate', 2, {})], {
    ticks: 4, tick: value => digits(value, 3), label: item => digits(item.parsed.y, 4),
  });
  draw('speed', [line('tokens/s', points(data.step, data.tokensPerSecond), 'speed', 1.5, {})], {
    ticks: 4, tick: whole, label: item => whole(item.parsed.y) + ' tokens/s',
  });
  paint();

  const scale = document.getElementById('scale');
  if (loss !== null) {
    scale.hidden = false;
    scale.addEventListener('click', event => {
      const kind = event.target.dataset?.scale;
      if (kind === undefined) return;
      for (const button of scale.children) button.setAttribute('aria-pressed', String(button === event.target));
      loss.options.scales.y.type = kind;
      paint();
    });
  }

  const theme = document.getElementById('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
  const show = () => { theme.textContent = dark() ? 'Light' : 'Dark'; paint(); };
  theme.hidden = false;
  theme.setAttribute('aria-label', 'Switch between light and dark');
  theme.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; show(); });
  system.addEventListener('change', show);
  show();

  const copy = document.getElementById('copy');
  if (copy !== null && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById('command').textContent.trim());
        copy.textContent = 'Copied';
      } catch {
        copy.textContent = 'Not allowed';
      }
      setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
    });
  }
})();
