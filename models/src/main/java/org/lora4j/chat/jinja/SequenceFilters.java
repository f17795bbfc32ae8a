package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.Predicate;

/** Filters of lists and maps. What is an iterator in Python is a list. */
final class SequenceFilters {

    static final Map<String, Filters.Filter> ALL = new HashMap<>();

    static {
        ALL.put("first", (value, given) -> {
            List<Object> items = Values.items(value);
            return items.isEmpty() ? new Undefined("No first item, sequence was empty.") : items.getFirst();
        });
        ALL.put("last", (value, given) -> {
            List<Object> items = Values.items(value);
            return items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
        });
        ALL.put("list", (value, given) -> new ArrayList<>(Values.items(value)));
        ALL.put("join", (value, given) -> {
            Arguments.Bound bound = given.bind("join", "d", "attribute");
            Function<Object, Object> of = getter(bound.get("attribute", None.NONE), None.NONE);
            return StringMethods.joined(Values.text(bound.get("d", "")),
                    Values.items(value).stream().map(item -> (Object) Values.text(of.apply(item))).toList());
        });
        ALL.put("reverse", (value, given) -> {
            List<Object> items = new ArrayList<>(Values.items(value));
            Collections.reverse(items);
            return value instanceof String ? StringMethods.joined("", items) : items;
        });
        ALL.put("items", (value, given) -> {
            if (!(value instanceof Map<?, ?>) && !(value instanceof Undefined)) {
                throw new JinjaException("items: expected a mapping, found " + Values.typeName(value));
            }
            return value instanceof Map<?, ?> map ? Members.pairs(map) : List.of();
        });
        ALL.put("sort", (value, given) -> sorted(value, given.bind("sort", "reverse", "case_sensitive", "attribute")));
        ALL.put("dictsort", (value, given) -> dictSorted(value, given.bind("dictsort", "case_sensitive", "by", "reverse")));
        ALL.put("unique", (value, given) -> unique(value, given.bind("unique", "case_sensitive", "attribute")));
        ALL.put("map", SequenceFilters::mapped);
        ALL.put("select", (value, given) -> chosen(value, given, false, true));
        ALL.put("reject", (value, given) -> chosen(value, given, false, false));
        ALL.put("selectattr", (value, given) -> chosen(value, given, true, true));
        ALL.put("rejectattr", (value, given) -> chosen(value, given, true, false));
        ALL.put("min", (value, given) -> extreme(value, given, (a, b) -> Values.compare(b, a, "<") < 0 ? b : a));
        ALL.put("max", (value, given) -> extreme(value, given, (a, b) -> Values.compare(b, a, ">") > 0 ? b : a));
        ALL.put("sum", (value, given) -> {
            Arguments.Bound bound = given.bind("sum", "attribute", "start");
            Function<Object, Object> of = getter(bound.get("attribute", None.NONE), None.NONE);
            Object sum = bound.get("start", 0L);
            for (Object item : Values.items(value)) {
                sum = Operators.apply("+", sum, of.apply(item));
            }
            return sum;
        });
        ALL.put("batch", (value, given) -> batches(value, given.bind("batch", "linecount", "fill_with")));
        ALL.put("slice", (value, given) -> slices(value, given.bind("slice", "slices", "fill_with")));
        ALL.put("groupby", (value, given) -> groups(value, given.bind("groupby", "attribute", "default", "case_sensitive")));
    }

    private SequenceFilters() {
    }

    /** What an attribute's name with dots gets of an item; the item itself where there is none. */
    private static Function<Object, Object> getter(Object attribute, Object otherwise) {
        if (attribute == None.NONE) {
            return item -> item;
        }
        List<Object> parts = attribute instanceof String name ? List.of((Object[]) name.split("\\.", -1)) : List.of(attribute);
        return item -> {
            Object found = item;
            for (Object part : parts) {
                Object key = part instanceof String name && name.matches("\\d{1,9}") ? (Object) Long.valueOf(name) : part;
                found = Members.subscript(found, key);
                found = otherwise != None.NONE && found instanceof Undefined ? otherwise : found;
            }
            return found;
        };
    }

    private static Object withoutCase(Object value) {
        return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
    }

    private static Function<Object, Object> key(Arguments.Bound bound, Object attribute) {
        Function<Object, Object> of = getter(attribute, None.NONE);
        return Values.truth(bound.get("case_sensitive", false)) ? of : of.andThen(SequenceFilters::withoutCase);
    }

    private static Object sorted(Object value, Arguments.Bound bound) {
        Object attribute = bound.get("attribute", None.NONE);
        List<Object> names = attribute instanceof String text ? List.of((Object[]) text.split(",", -1)) : List.of(attribute);
        Comparator<Object> order = (a, b) -> 0;
        for (Object name : names) {
            Function<Object, Object> key = key(bound, name);
            order = order.thenComparing((a, b) -> Values.compare(key.apply(a), key.apply(b), "<"));
        }
        List<Object> items = new ArrayList<>(Values.items(value));
        items.sort(Values.truth(bound.get("reverse", false)) ? order.reversed() : order);
        return items;
    }

    private static Object dictSorted(Object value, Arguments.Bound bound) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new JinjaException("dictsort: expected a mapping, found " + Values.typeName(value));
        }
        int by = bound.text("by", "key").equals("value") ? 1 : 0;
        boolean asIs = Values.truth(bound.get("case_sensitive", false));
        Function<Object, Object> key = pair -> asIs ? ((Tuple) pair).get(by) : withoutCase(((Tuple) pair).get(by));
        List<Object> pairs = Members.pairs(map);
        Comparator<Object> order = (a, b) -> Values.compare(key.apply(a), key.apply(b), "<");
        pairs.sort(Values.truth(bound.get("reverse", false)) ? order.reversed() : order);
        return pairs;
    }

    private static Object unique(Object value, Arguments.Bound bound) {
        Function<Object, Object> key = key(bound, bound.get("attribute", None.NONE));
        List<Object> seen = new ArrayList<>();
        List<Object> unique = new ArrayList<>();
        for (Object item : Values.items(value)) {
            Object own = key.apply(item);
            if (seen.stream().noneMatch(other -> Values.equal(other, own))) {
                seen.add(own);
                unique.add(item);
            }
        }
        return unique;
    }

    private static Object mapped(Object value, Arguments given) {
        Function<Object, Object> by;
        if (given.positional().isEmpty() && given.named().containsKey("attribute")) {
            by = getter(given.named().get("attribute"), given.named().getOrDefault("default", None.NONE));
        } else if (given.positional().isEmpty()) {
            throw new JinjaException("map: expected an attribute or a filter");
        } else {
            Filters.Filter filter = Filters.required(Values.text(given.positional().getFirst()));
            Arguments rest = new Arguments(given.positional().subList(1, given.positional().size()), given.named());
            by = item -> filter.apply(item, rest);
        }
        return new ArrayList<>(Values.items(value).stream().map(by).toList());
    }

    private static Object chosen(Object value, Arguments given, boolean byAttribute, boolean wanted) {
        List<Object> arguments = given.positional();
        if (byAttribute && arguments.isEmpty()) {
            throw new JinjaException("expected the attribute's name");
        }
        Function<Object, Object> of = byAttribute ? getter(arguments.getFirst(), None.NONE) : item -> item;
        List<Object> rest = arguments.subList(byAttribute ? 1 : 0, arguments.size());
        Predicate<Object> test = rest.isEmpty() ? Values::truth : item -> Tests.required(Values.text(rest.getFirst()))
                .holds(item, new Arguments(rest.subList(1, rest.size()), given.named()));
        return new ArrayList<>(Values.items(value).stream().filter(item -> test.test(of.apply(item)) == wanted).toList());
    }

    private static Object extreme(Object value, Arguments given, BinaryOperator<Object> better) {
        Arguments.Bound bound = given.bind("min", "case_sensitive", "attribute");
        Function<Object, Object> key = key(bound, bound.get("attribute", None.NONE));
        Object best = null;
        Object bestKey = null;
        for (Object item : Values.items(value)) {
            Object own = key.apply(item);
            if (bestKey == null || better.apply(bestKey, own) == own && !Values.equal(bestKey, own)) {
                best = item;
                bestKey = own;
            }
        }
        return best != null ? best : new Undefined("No aggregated item, sequence was empty.");
    }

    private static Object batches(Object value, Arguments.Bound bound) {
        int size = Math.max(1, Values.index(bound.get("linecount")));
        Object fill = bound.get("fill_with", None.NONE);
        List<Object> items = Values.items(value);
        List<Object> batches = new ArrayList<>();
        for (int from = 0; from < items.size(); from += size) {
            List<Object> batch = new ArrayList<>(items.subList(from, Math.min(items.size(), from + size)));
            while (fill != None.NONE && batch.size() < Math.min(size, 100_000)) {
                batch.add(fill);
            }
            batches.add(batch);
        }
        return batches;
    }

    private static Object slices(Object value, Arguments.Bound bound) {
        int count = Values.index(bound.get("slices"));
        if (count < 1 || count > 100_000) {
            throw new JinjaException("slice: expected at least 1 slice");
        }
        Object fill = bound.get("fill_with", None.NONE);
        List<Object> items = Values.items(value);
        int longer = items.size() % count;
        List<Object> slices = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < count; i++) {
            int size = items.size() / count + (i < longer ? 1 : 0);
            List<Object> slice = new ArrayList<>(items.subList(from, from + size));
            if (fill != None.NONE && i >= longer) {
                slice.add(fill);
            }
            slices.add(slice);
            from += size;
        }
        return slices;
    }

    private static Object groups(Object value, Arguments.Bound bound) {
        Function<Object, Object> of = getter(bound.get("attribute"), bound.get("default", None.NONE));
        Function<Object, Object> key = Values.truth(bound.get("case_sensitive", false)) ? of : of.andThen(SequenceFilters::withoutCase);
        List<Object> items = new ArrayList<>(Values.items(value));
        items.sort((a, b) -> Values.compare(key.apply(a), key.apply(b), "<"));
        Map<Object, List<Object>> groups = new LinkedHashMap<>();
        Map<Object, Object> names = new LinkedHashMap<>();
        for (Object item : items) {
            groups.computeIfAbsent(key.apply(item), unused -> new ArrayList<>()).add(item);
            names.putIfAbsent(key.apply(item), of.apply(item));
        }
        List<Object> pairs = new ArrayList<>();
        groups.forEach((name, group) -> pairs.add(Tuple.of(names.get(name), group)));
        return pairs;
    }
}
