package org.lora4j.chat.jinja;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** {@code loop}: where a loop stands. Called, it goes through other items in the same way, one deeper, where it is recursive. */
final class Loop implements Callable {

    private final List<Object> items;
    private final int depth;
    private final @Nullable Function<Object, Object> again;
    private int index;
    private @Nullable Object changed;

    /** @param again null where it is not recursive */
    Loop(List<Object> items, int depth, @Nullable Function<Object, Object> again) {
        this.items = items;
        this.depth = depth;
        this.again = again;
    }

    void at(int now) {
        index = now;
    }

    @Nullable Object attribute(String name) {
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) items.size() - index;
            case "revindex0" -> items.size() - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> depth + 1L;
            case "depth0" -> (long) depth;
            case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
            case "nextitem" -> index + 1 < items.size() ? items.get(index + 1) : new Undefined("there is no next item");
            case "cycle" -> (Callable) given -> {
                if (given.positional().isEmpty()) {
                    throw new JinjaException("cycle() of nothing");
                }
                return given.positional().get(index % given.positional().size());
            };
            case "changed" -> (Callable) given -> {
                Object now = new Tuple(given.positional());
                boolean other = changed == null || !Values.equal(changed, now);
                changed = now;
                return other;
            };
            default -> null;
        };
    }

    @Override
    public Object call(Arguments arguments) {
        if (again == null) {
            throw new JinjaException("loop() in a loop that is not recursive");
        }
        return again.apply(arguments.bind("loop", "iterable").get("iterable"));
    }
}
