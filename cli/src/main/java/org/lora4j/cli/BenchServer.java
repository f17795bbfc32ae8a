package org.lora4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.cpu.MachineSpeed;
import org.lora4j.experiments.bench.NamedWork;
import org.lora4j.experiments.bench.ResidentMemory;
import org.lora4j.experiments.bench.Work;

/**
 * Times work on request, so that two programs that both stay alive can take turns in short slices: a neighbour on the
 * machine that comes and goes for seconds then slows both alike. A line in, a line out, until the input ends:
 *
 * <pre>
 *   COUNT WORK     COUNT runs of {@link NamedWork}, or of multiply-add or read, see {@link MachineSpeed}
 *                  → seconds of a run, what a run does, its unit
 *   memory         → peak resident bytes
 * </pre>
 *
 * What cannot be done is answered by a line that begins with {@code error}.
 */
final class BenchServer {

    private final NamedWork work;
    private final Ui ui;

    BenchServer(Backend backend, int threads, Ui ui) {
        this.ui = ui;
        work = new NamedWork(backend);
        work.add("multiply-add", () -> {
            MachineSpeed speed = new MachineSpeed(threads);
            return new Work(1e-9 * speed.operations(), "GFLOP", speed::multiplyAdd);
        });
        work.add("read", () -> {
            MachineSpeed speed = new MachineSpeed(threads);
            return new Work(1e-9 * speed.bytes(), "GB", speed::read);
        });
    }

    void serve(InputStream in) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ui.print(answer(line.strip()));
            ui.flush();
        }
    }

    private String answer(String line) {
        if (line.equals("memory")) {
            return Long.toString(ResidentMemory.peakBytes());
        }
        int space = line.indexOf(' ');
        try {
            int count = Integer.parseInt(line.substring(0, Math.max(0, space)));
            Work asked = work.get(line.substring(space + 1));
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) {
                asked.run().run();
            }
            return (System.nanoTime() - start) * 1e-9 / count + " " + asked.amount() + " " + asked.unit();
        } catch (NumberFormatException e) {
            return "error '" + line + "': expected how many runs of what, such as 10 product 512x768x768 g·W";
        } catch (LoraException e) {
            return "error " + e.getMessage();
        }
    }
}
