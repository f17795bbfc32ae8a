package org.lora4j.book;

import java.util.Locale;

/** Small things about HTML. */
final class Html {

    private Html() {
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    /** The anchor of a heading, as GitHub makes it. */
    static String anchor(String heading) {
        return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
    }

    /** The way from one page of the site to another, both from the site's root. */
    static String from(String page, String target) {
        return "../".repeat((int) page.chars().filter(c -> c == '/').count()) + target;
    }
}
