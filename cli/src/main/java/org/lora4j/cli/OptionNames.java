package org.lora4j.cli;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which option sets what the library calls by a name of its own. The library knows no command line: its messages name a
 * setting in backquotes, <code>`topK` -1: expected …</code>, and here that becomes {@code --top-k -1: expected …}.
 *
 * <p>An option is called as the setting, in lower case with hyphens, unless it stands in the list below.
 */
final class OptionNames {

    private static final Pattern SETTING = Pattern.compile("`([a-z][A-Za-z]*)`");

    private static final Map<String, String> CALLED_OTHERWISE = Map.of(
            "accumulation", "--accumulate",
            "clipNorm", "--clip",
            "folder", "--out",
            "learningRate", "--lr",
            "type", "--dtype",
            "warmupSteps", "--warmup",
            "weightType", "--base-dtype",
            "width", "--beam");

    private OptionNames() {
    }

    /** The message with options for the settings it names. A setting that is none of these options stays as it is. */
    static String in(String message, Set<String> options) {
        return SETTING.matcher(message).replaceAll(found -> Matcher.quoteReplacement(option(found, options)));
    }

    /** The same for a message that is of no one command, where every setting named has an option somewhere. */
    static String in(String message) {
        return SETTING.matcher(message).replaceAll(found -> Matcher.quoteReplacement(name(found.group(1))));
    }

    private static String option(MatchResult found, Set<String> options) {
        String name = name(found.group(1));
        return options.contains(name) ? name : found.group();
    }

    /** The option that sets it. */
    static String of(String setting) {
        return name(setting);
    }

    private static String name(String setting) {
        String other = CALLED_OTHERWISE.get(setting);
        return other != null ? other : "--" + setting.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }
}
