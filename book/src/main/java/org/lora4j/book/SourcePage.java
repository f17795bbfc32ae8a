package org.lora4j.book;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A Java file as HTML: words of the language, texts and comments in their colours, an anchor at each method. */
final class SourcePage {

    private static final Pattern TOKEN = Pattern.compile("(?<comment>/\\*.*?\\*/|//[^\\n]*)"
            + "|(?<text>\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])+')"
            + "|(?<note>@\\w+)|(?<word>[A-Za-z_$][\\w$]*)|(?<rest>.)", Pattern.DOTALL);
    private static final Pattern METHOD = Pattern.compile("(?m)^ {4,8}[\\w<][^=;\\n]*?\\b(\\w+)\\([^;]*?\\)[^;{]*\\{");
    private static final Set<String> WORDS = Set.of(("abstract assert boolean break byte case catch char class continue default "
            + "do double else enum extends final finally float for if implements import instanceof int interface long module "
            + "native new null package permits private protected public record return sealed short static strictfp super "
            + "switch synchronized this throw throws transient true false try var void volatile while yield").split(" "));

    private SourcePage() {
    }

    /** Whether the source has a method of that name that an anchor leads to. */
    static boolean has(String source, String method) {
        return METHOD.matcher(source).results().anyMatch(found -> found.group(1).equals(method));
    }

    static String html(String source) {
        StringBuilder html = new StringBuilder("<pre class=\"java\" tabindex=\"0\">");
        Set<String> known = new HashSet<>();
        int begin = 0;
        Matcher method = METHOD.matcher(source);
        while (method.find()) {
            if (!WORDS.contains(method.group(1)) && known.add(method.group(1))) {
                html.append(coloured(source.substring(begin, method.start(1))))
                        .append("<a class=\"m\" id=\"").append(method.group(1)).append("\" href=\"#").append(method.group(1))
                        .append("\">").append(method.group(1)).append("</a>");
                begin = method.end(1);
            }
        }
        return html.append(coloured(source.substring(begin))).append("</pre>").toString();
    }

    static String coloured(String source) {
        StringBuilder html = new StringBuilder();
        Matcher token = TOKEN.matcher(source);
        while (token.find()) {
            String text = Html.escape(token.group());
            if (token.group("comment") != null) {
                html.append("<span class=\"c\">").append(text).append("</span>");
            } else if (token.group("text") != null) {
                html.append("<span class=\"s\">").append(text).append("</span>");
            } else if (token.group("note") != null) {
                html.append("<span class=\"n\">").append(text).append("</span>");
            } else if (WORDS.contains(token.group())) {
                html.append("<span class=\"k\">").append(text).append("</span>");
            } else {
                html.append(text);
            }
        }
        return html.toString();
    }
}
