import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Many clients at once ask a server for texts, and look whether each is the one that was written when nobody else asked:
 *
 * <pre>
 *   java benchmarks/ServeLoad.java http://127.0.0.1:8080/ CLIENTS SECONDS TOKENS ADAPTERS
 *   java benchmarks/ServeLoad.java http://127.0.0.1:8080/ 64 300 48 200
 * </pre>
 *
 * With ADAPTERS 1 all ask the first one, with 0 the base, else so many of those that the server knows, by chance. Behind these
 * may stand {@code whole}, to ask for answers that come at once and not as streams, and {@code unchecked}, for servers whose texts
 * depend on their company. It prints a line of JSON: texts, tokens each second and each second of the server's processor time, the
 * times to the first token (of whole answers, to the last), what was refused, what failed, what differed.
 */
public final class ServeLoad {

    private static final Pattern TEXT = Pattern.compile("\"text\":\"((?:[^\"\\\\]|\\\\.)*)\"");
    private static final List<String> PROMPTS = List.of("The house", "name : Blue Spice | Type : pub | area : riverside", "A dog and",
            "It was a day in spring when the old man");

    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .executor(Executors.newVirtualThreadPerTaskExecutor()).build();
    private final String url;
    private final int tokens;
    private final boolean whole;
    private final Map<String, String> alone = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<Long> firsts = new ConcurrentLinkedQueue<>();
    private final AtomicLong texts = new AtomicLong();
    private final AtomicLong pieces = new AtomicLong();
    private final AtomicLong busy = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicLong different = new AtomicLong();

    private ServeLoad(String url, int tokens, boolean whole) {
        this.url = url;
        this.tokens = tokens;
        this.whole = whole;
    }

    public static void main(String[] args) throws Exception {
        List<String> words = List.of(args).subList(5, args.length);
        ServeLoad load = new ServeLoad(args[0], Integer.parseInt(args[3]), words.contains("whole"));
        load.run(Integer.parseInt(args[1]), Integer.parseInt(args[2]), Integer.parseInt(args[4]), !words.contains("unchecked"));
    }

    private void run(int clients, int seconds, int adapters, boolean checked) throws Exception {
        String known = client.send(HttpRequest.newBuilder(URI.create(url + "v1/models")).build(), HttpResponse.BodyHandlers.ofString()).body();
        List<String> names = new ArrayList<>();
        Matcher ids = Pattern.compile("\"id\":\"([^\"]*)\"").matcher(known);
        while (ids.find()) {
            names.add(ids.group(1));
        }
        List<String> asked = adapters == 0 ? names.subList(0, 1) : names.subList(1, Math.min(names.size(), 1 + adapters));
        int each = asked.size() == 1 ? PROMPTS.size() : 1;
        for (int i = 0; checked && i < asked.size(); i++) {
            for (int k = 0; k < each; k++) {
                int p = (i + k) % PROMPTS.size();
                alone.put(asked.get(i) + p, ask(asked.get(i), p, false));
            }
        }
        long before = System.nanoTime();
        long end = before + seconds * 1_000_000_000L;
        double processor = metric("process_cpu_seconds_total");
        double heap = metric("lora4j_heap_used_bytes");
        try (var all = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int c = 0; c < clients; c++) {
                Random random = new Random(c);
                all.submit(() -> {
                    while (System.nanoTime() < end) {
                        int i = random.nextInt(asked.size());
                        String name = asked.get(i);
                        int p = (i + random.nextInt(each)) % PROMPTS.size();
                        String text = ask(name, p, true);
                        if (text != null) {
                            texts.incrementAndGet();
                            different.addAndGet(!checked || text.equals(alone.get(name + p)) ? 0 : 1);
                        }
                    }
                    return null;
                });
            }
        }
        processor = metric("process_cpu_seconds_total") - processor;
        double took = (System.nanoTime() - before) * 1e-9;
        long[] sorted = firsts.stream().mapToLong(Long::longValue).sorted().toArray();
        System.out.printf("{\"adapters\": %d, \"clients\": %d, \"seconds\": %.1f, \"texts\": %d, \"tokens_per_second\": %.1f, \"tokens_per_processor_second\": %.1f, "
                        + "\"first_token_ms\": {\"p50\": %.0f, \"p99\": %.0f}, \"busy\": %d, \"errors\": %d, \"different\": %d, "
                        + "\"attach_ms_max\": %.1f, \"heap_mb\": [%.0f, %.0f]}%n",
                asked.size(), clients, took, texts.get(), pieces.get() / took, pieces.get() / processor, at(sorted, 0.5), at(sorted, 0.99), busy.get(), errors.get(),
                different.get(), metric("lora4j_adapter_attach_seconds_max") * 1e3, heap / 1e6, metric("lora4j_heap_used_bytes") / 1e6);
    }

    private static double at(long[] sorted, double share) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.min(sorted.length - 1, share * sorted.length)] * 1e-6;
    }

    /** The text; null where there is none. */
    private String ask(String name, int prompt, boolean counted) throws Exception {
        String body = "{\"model\": \"" + name + "\", \"prompt\": \"" + PROMPTS.get(prompt) + "\", \"max_tokens\": " + tokens
                + ", \"temperature\": " + (prompt % 2) + ", \"seed\": " + prompt + ", \"ignore_eos\": true, \"stream\": " + !whole + "}";
        long begin = System.nanoTime();
        HttpResponse<Stream<String>> response = client.send(HttpRequest.newBuilder(URI.create(url + "v1/completions"))
                .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build(),
                HttpResponse.BodyHandlers.ofLines());
        if (response.statusCode() == 429) {
            busy.incrementAndGet();
            response.body().close();
            Thread.sleep(200);
            return null;
        }
        StringBuilder text = new StringBuilder();
        boolean[] seen = new boolean[2];
        response.body().forEach(line -> {
            Matcher piece = TEXT.matcher(line);
            if (piece.find()) {
                if (counted && !seen[0] && !piece.group(1).isEmpty()) {
                    firsts.add(System.nanoTime() - begin);
                    seen[0] = true;
                }
                text.append(piece.group(1));
            }
            seen[1] |= whole ? piece.reset().find() : line.equals("data: [DONE]");
        });
        if (!seen[1]) {
            errors.incrementAndGet();
            return null;
        }
        if (counted) {
            pieces.addAndGet(tokens);
        }
        return text.toString();
    }

    private double metric(String name) throws Exception {
        String all = client.send(HttpRequest.newBuilder(URI.create(url + "metrics")).build(), HttpResponse.BodyHandlers.ofString()).body();
        return Arrays.stream(all.split("\n")).filter(line -> line.startsWith(name + " ")).mapToDouble(
                line -> Double.parseDouble(line.substring(name.length() + 1))).findFirst().orElse(Double.NaN);
    }
}
