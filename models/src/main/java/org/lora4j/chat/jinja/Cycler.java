package org.lora4j.chat.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code cycler(…)}: one item after the other, and then the first again. */
final class Cycler {

    private final List<Object> items;
    private int at;

    Cycler(List<Object> items) {
        if (items.isEmpty()) {
            throw new JinjaException("cycler() of nothing");
        }
        this.items = items;
    }

    @Nullable Object attribute(String name) {
        return switch (name) {
            case "current" -> items.get(at);
            case "next" -> (Callable) given -> {
                Object item = items.get(at);
                at = (at + 1) % items.size();
                return item;
            };
            case "reset" -> (Callable) given -> {
                at = 0;
                return None.NONE;
            };
            default -> null;
        };
    }
}
