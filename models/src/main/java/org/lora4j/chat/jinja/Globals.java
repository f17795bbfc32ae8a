package org.lora4j.chat.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.Names;

/** The functions that templates can call: Jinja's own, and the two that Transformers adds. */
final class Globals {

    private static final int LONGEST_RANGE = 100_000;

    private Globals() {
    }

    /** @param now what {@code strftime_now} writes */
    static Map<String, Object> of(LocalDateTime now) {
        Map<String, Object> globals = new HashMap<>();
        globals.put("range", (Callable) Globals::range);
        globals.put("dict", (Callable) given -> {
            Map<Object, Object> dict = new LinkedHashMap<>();
            for (Object one : given.positional()) {
                if (one instanceof Map<?, ?> map) {
                    dict.putAll(map);
                } else {
                    Values.items(one).forEach(pair -> dict.put(Values.items(pair).getFirst(), Values.items(pair).getLast()));
                }
            }
            dict.putAll(given.named());
            return dict;
        });
        globals.put("namespace", (Callable) Namespace::of);
        globals.put("cycler", (Callable) given -> new Cycler(given.positional()));
        globals.put("joiner", (Callable) given -> {
            String separator = Values.text(given.bind("joiner", "sep").get("sep", ", "));
            boolean[] used = new boolean[1];
            return (Callable) none -> {
                boolean first = !used[0];
                used[0] = true;
                return first ? "" : separator;
            };
        });
        globals.put("raise_exception", (Callable) given -> {
            throw new JinjaException(Names.oneLine(Values.text(given.bind("raise_exception", "message").get("message"))), 0, true);
        });
        globals.put("strftime_now", (Callable) given -> Dates.format(now, given.bind("strftime_now", "format").text("format")));
        return globals;
    }

    private static Object range(Arguments given) {
        List<Object> bounds = given.positional();
        if (bounds.isEmpty() || bounds.size() > 3 || !given.named().isEmpty()) {
            throw new JinjaException("range() takes one to three whole numbers");
        }
        int from = bounds.size() == 1 ? 0 : Values.index(bounds.getFirst());
        int to = Values.index(bounds.get(bounds.size() == 1 ? 0 : 1));
        int step = bounds.size() == 3 ? Values.index(bounds.get(2)) : 1;
        if (step == 0) {
            throw new JinjaException("range() by steps of 0");
        }
        List<Object> numbers = new ArrayList<>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            if (numbers.size() == LONGEST_RANGE) {
                throw new JinjaException("range() of more than " + LONGEST_RANGE + " numbers");
            }
            numbers.add(i);
        }
        return numbers;
    }
}
