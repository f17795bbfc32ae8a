package org.lora4j.experiments.metrics;

import java.util.List;

/** How far numbers and addresses of the Penn Treebank reach: fractions, telephones, pages, mail, tags. */
abstract class PennTreebankNumbers extends PennTreebankText {

    private static final List<String> TOP_LEVEL = List.of(".com", ".net", ".org", ".edu");

    PennTreebankNumbers(String text) {
        super(text);
    }

    // --- addresses

    int url(int from) {
        String scheme = startsWith("http://", from) ? "http://" : startsWith("https://", from) ? "https://" : null;
        if (scheme == null) {
            return from;
        }
        int end = path(from + scheme.length());
        return end > from + scheme.length() + 1 ? end : from;
    }

    /** {@code www.lora4j.org}, {@code lora4j.org/page}, {@code *.org}; {@code lora4j.org} is a word with points. */
    int domain(int from) {
        boolean web = startsWith("www.", from);
        boolean wild = isAny("~*", peek(from));
        int end = wild ? from + 1 : from;
        if (web) {
            while (isAscii(peek(end)) || end > from
                    && (peek(end) == '.' || isLetter(peek(end)) || isDigit(peek(end)) || isAny("-_", peek(end))
                    || peek(end) == SOFT_HYPHEN && run(end) > end)) {
                end++;
            }
        } else if (isAscii(peek(end)) || wild && peek(end) == '.') {
            end = stretch(LETTERS_AND_POINTS, end);
        }
        while (end > from && isAny(".-_", peek(end - 1))) {
            end--;
        }
        if (!web && !((wild || peek(end) == '/') && TOP_LEVEL.contains(text.substring(Math.max(from, end - 4), end)))) {
            return from;
        }
        return !wild && peek(end) == '/' && path(end + 1) > end + 1 ? path(end + 1) : web || wild ? end : from;
    }

    int path(int from) {
        int end = from;
        while (!isSpace(peek(end)) && !isAny("\"<>|(){}", peek(end))) {
            end++;
        }
        while (end > from && isAny(".,!?-", peek(end - 1))) {
            end--;
        }
        return end;
    }

    int email(int from) {
        int start = peek(from) == '<' ? from + 1 : from;
        int mark = stretch(BEFORE_AT, start);
        if (peek(mark) != '@') {
            return from;
        }
        int end = stretch(AFTER_AT, mark + 1);
        while (end > mark && peek(end - 1) == '.') {
            end--;
        }
        boolean whole = end > mark + 1 && (isAscii(peek(start)) || isDigit(peek(start)));
        return !whole ? from : peek(end) == '>' ? end + 1 : end;
    }

    /** {@code <br/>}, {@code <a href="page">}. */
    int tag(int from) {
        int start = isAny("/?!", peek(from + 1)) ? from + 2 : from + 1;
        boolean comment = text.startsWith("<!--", from);
        if (peek(from) != '<' || !isAscii(peek(start)) && !comment) {
            return from;
        }
        int end = start;
        while (isAscii(peek(end)) || isDigit(peek(end)) || isAny(".:-_", peek(end))) {
            end++;
        }
        if (peek(from + 1) != '/' && peek(end) != END && isSpace(peek(end))) {
            while (peek(end) != END && !isAny("<>", peek(end))) {
                end++;
            }
        } else {
            end += isAny("/?", peek(end)) ? 1 : 0;
        }
        return peek(end) == '>' ? end + 1 : from;
    }

    // --- numbers

    /** {@code 5}, {@code -1.5}, {@code 1,000}, {@code 10:30}, {@code 2.x}. */
    int number(int from) {
        int start = isAny("+-", peek(from)) ? from + 1 : from;
        int end = start;
        while (isDigit(peek(end)) || isAny(".,:", peek(end)) && isDigit(peek(end + 1))) {
            end = digits(end + 1);
        }
        boolean any = isDigit(peek(from)) && peek(end) == '.' && isAny("xX", peek(end + 1))
                && (isSpace(peek(end + 2)) || isAny(".,", peek(end + 2)));
        return end == start ? from : any ? end + 2 : end;
    }

    /** {@code 1/2}, {@code 3 3/4}, {@code 5-1/2}, also before a hyphen. */
    int fraction(int from) {
        int end = digits(from);
        if (end > from && (isAny(" -", peek(end)) || peek(end) == HARD_SPACE) && isDigit(peek(end + 1))) {
            end = digits(end + 1);
        }
        boolean slash = end > from && isAny("/⁄", peek(end)) && isDigit(peek(end + 1)) && digits(end + 1) - end <= 5;
        return slash ? withTail(digits(end + 1)) : from;
    }

    /** {@code (020) 7946 0958}, {@code +44 20 7946 0958}: the country, the area, and a number in one or two parts. */
    int phone(int from) {
        int country = peek(from) == '+' ? from + 1 : from;
        int area = group(country, 2, 4);
        if (area > country && isBetween(peek(area))) {
            int end = local(area + 1);
            if (end > area + 1) {
                return end;
            }
        }
        return country == from ? local(from) : from;
    }

    int local(int from) {
        boolean bracket = peek(from) == '(';
        int area = group(bracket ? from + 1 : from, 2, 4);
        if (area < from + 2 || bracket && peek(area) != ')') {
            return from;
        }
        area += bracket ? 1 : 0;
        if (!bracket && !isBetween(peek(area))) {
            return from;
        }
        int first = isBetween(peek(area)) ? area + 1 : area;
        for (int length = 4; length >= 3; length--) {
            int middle = group(first, 3, length);
            int second = isBetween(peek(middle)) ? middle + 1 : middle;
            int end = group(second, 3, 5);
            if (middle > first && end > second && !isDigit(peek(end))) {
                return end;
            }
        }
        return from;
    }

    /** The end of at least {@code least} and at most {@code most} digits. */
    int group(int from, int least, int most) {
        int end = from;
        while (end < from + most && isDigit(peek(end))) {
            end++;
        }
        return end - from < least ? from : end;
    }

    static boolean isBetween(char c) {
        return c == ' ' || c == HARD_SPACE || c == '-' || c == '.';
    }
}
