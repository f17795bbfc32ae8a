package org.lora4j.select;

import java.util.List;
import org.lora4j.Names;

/** One rule over module names; its text form is what the user wrote. */
sealed interface NameFilter {

    boolean matches(String name);

    /** The single patterns in it. One that matches nothing is taken for a slip of the user's. */
    default List<NameFilter> patterns() {
        return List.of();
    }

    /** Names that are in a list, or end with a dot and an element of it. */
    record Ends(List<String> listed) implements NameFilter {

        private static final int MOST_SHOWN = 8;

        @Override
        public boolean matches(String name) {
            return listed.stream().anyMatch(end -> name.equals(end) || name.endsWith("." + end));
        }

        @Override
        public List<NameFilter> patterns() {
            return listed.stream().<NameFilter>map(end -> new Ends(List.of(end))).toList();
        }

        @Override
        public String toString() {
            return Names.list(listed, MOST_SHOWN);
        }
    }

    /** Names that an expression matches from end to end. */
    record Expression(PythonRegex regex) implements NameFilter {

        @Override
        public boolean matches(String name) {
            return regex.matchesAll(name);
        }

        @Override
        public String toString() {
            return Names.quoted(regex.source());
        }
    }

    /** Every name. */
    record All() implements NameFilter {

        @Override
        public boolean matches(String name) {
            return true;
        }

        @Override
        public String toString() {
            return TargetSelector.ALL_LINEAR;
        }
    }
}
