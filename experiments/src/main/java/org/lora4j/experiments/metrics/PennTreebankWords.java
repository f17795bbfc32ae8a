package org.lora4j.experiments.metrics;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How far a word of the Penn Treebank reaches, for {@link PennTreebankTokenizer}.
 *
 * <p>Each kind of word has a method that takes a place in the text and returns where a word of that kind which begins
 * there ends, or the place itself where there is none.
 */
abstract class PennTreebankWords {

    static final char HARD_SPACE = '\u00a0';
    static final char SOFT_HYPHEN = '\u00ad';

    /** Between lines, and after the last. */
    static final char END = '\n';

    private static final List<String> TOP_LEVEL = List.of(".com", ".net", ".org", ".edu");

    /** Stand before a name or a number, and keep their point. */
    private static final Set<String> TITLES = words("""
            mr mrs ms dr drs prof profs rev hon messrs mme mlle msgr gen col lt maj capt sgt cpl pvt pfc spc ens adm cmdr
            comdr brig gov govs pres sen sens rep reps insp det supt supts asst atty attys treas adj adv
            st ste ave ft mt dept assoc cie natl elec mfg mtg vs cf jos wm alex
            """);

    /** Can end a sentence, and keep their point. */
    private static final Set<String> ABBREVIATIONS = words("""
            esq jr sr bros jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri
            ala ariz calif colo conn fla ga ind kan kans ky md mich minn mo mont neb nev okla penn tenn va vt wis wisc wyo
            inc ltd co cos corp plc pty pte assn univ bancorp bhd intl sys blvd rd sq ct rt bldg
            etc al est ext tel seq ph.d
            """);

    /** Keep their point with a capital; in small letters they are other words. */
    private static final Set<String> CAPITALIZED = words("ark del ill la mass miss ore pa tex wash");

    /** Keep their point before a number: {@code No. 5}. */
    private static final Set<String> NUMBERED = words("no nos pp fig figs art op ca prop");

    /** With one of these after it, {@code A.} ends a sentence; before any other word it is an initial. */
    private static final Set<String> OPENINGS = words("""
            a an the this that these it he she we they you her our their here there now then once
            in at as but so yet if when while what since after however about according
            one some many more such other last earlier mr. ms.
            """);

    /** Said as one and written as two words, with the length of the first. */
    static final Map<String, Integer> FUSED = Map.of("cannot", 3, "gonna", 3, "gotta", 3, "wanna", 3, "gimme", 3,
            "lemme", 3);

    /** Begin with a letter, and have an apostrophe that is neither a quote nor a contraction. */
    private static final List<String> CLIPPED =
            List.of("cap'n", "nat'l", "c'mon", "c'est", "ev'ry", "li'l", "e'er", "ol'", "dunkin'");

    /** Begin with an apostrophe. */
    private static final List<String> BEHEADED = List.of("'n'", "'em", "'till", "'til", "'cause");

    /** Kinds of stretches, see {@link #stretch}. */
    private static final int BEFORE_AT = 0;
    private static final int AFTER_AT = 1;
    private static final int COMPOUND = 2;
    private static final int LETTERS_AND_POINTS = 3;

    private final int[] stretchFrom = new int[4];
    private final int[] stretchEnd = new int[4];
    private int partsFrom;
    private int lastPart;

    final String text;

    PennTreebankWords(String text) {
        this.text = text;
    }

    // --- words

    /** Before other punctuation a word keeps its point: {@code center.,}. */
    boolean isPointKept(int from, int end) {
        return peek(end) == '.' && isAny(",;:", peek(end + 1)) && hasLetter(from, end);
    }

    /** Letters and digits, parts of which hyphens or underscores join. */
    int hyphenated(int from) {
        int end = run(from);
        int plain = from;
        while (end > from && (isHyphen(peek(end)) || peek(end) == '_') && run(end + 1) > end + 1 && isPlain(plain, end)) {
            plain = end;
            end = run(end + 1);
        }
        return end;
    }

    boolean isPlain(int from, int end) {
        for (int i = from; i < end; i++) {
            if (!Character.isLetterOrDigit(peek(i)) && !isHyphen(peek(i)) && peek(i) != '_') {
                return false;
            }
        }
        return true;
    }

    /** {@code 5.5-inch}, {@code 1,000-strong}, {@code Gov.-elect}: points and commas before a hyphen. */
    int compound(int from) {
        int end = latin(from) > from ? stretch(COMPOUND, from) : from;
        return withTail(end) > end ? withTail(end) : from;
    }

    /** {@code and/or}, {@code he/she/it}: two or three words, each with up to two hyphens. */
    int slashed(int from) {
        int end = hyphenatedLetters(from);
        for (int part = 2; part <= 3 && peek(end) == '/' && latin(end + 1) > end + 1; part++) {
            end = hyphenatedLetters(end + 1);
        }
        return end;
    }

    int hyphenatedLetters(int from) {
        int end = latin(from);
        for (int part = 2; end > from && part <= 3 && peek(end) == '-' && isAscii(peek(end + 1)); part++) {
            end = ascii(end + 1);
        }
        return end;
    }

    /** {@code word.word}, {@code Yahoo!Mail}; but {@code Inc.R} is {@code Inc.} and more. */
    int dotted(int from) {
        int end = run(from);
        while (isLetter(peek(from)) && isAny(".!?", peek(end)) && isLetter(peek(end + 1))) {
            end = run(end + 1);
        }
        int abbreviation = abbreviation(from);
        boolean apart = abbreviation > from && end == abbreviation + 1 && contraction(end) == end
                && !TITLES.contains(lower(from, abbreviation - 1));
        return apart ? abbreviation : end;
    }

    /** {@code U.S.}, {@code a.m}, {@code non-U.S.}, {@code M.D.s}, {@code U.S.-based}. */
    int acronym(int from) {
        int end = oneAcronym(from);
        if (end == from) {
            return from;
        }
        while (peek(end) == '-' && oneAcronym(end + 1) > end + 1) {
            end = oneAcronym(end + 1);
        }
        return withTail(end);
    }

    private int oneAcronym(int from) {
        int letter = lastPart(from);
        int end = letter;
        while (isAscii(peek(end)) && peek(end + 1) == '.') {
            end += 2;
        }
        boolean many = end > letter + 2;
        if (end > letter && isAscii(peek(end)) && run(end) == end + 1) {
            many |= end > letter;
            end++;
        }
        return many ? end : from;
    }

    /** Where the last of the parts begins that hyphens join; looked for once for all of them. */
    private int lastPart(int from) {
        if (from >= partsFrom && from < lastPart && run(from) > from) {
            return lastPart;
        }
        int last = from;
        while (run(last) > last && peek(run(last)) == '-') {
            last = run(last) + 1;
        }
        partsFrom = from;
        lastPart = last;
        return last;
    }

    /** {@code Mr.}, and {@code No.} before a number. */
    int abbreviation(int from) {
        int end = startsWith("Ph.D.", from) ? from + 4 : run(from);
        if (peek(end) != '.') {
            return from;
        }
        String word = lower(from, end);
        int next = isSpace(peek(end + 1)) ? end + 2 : end + 1;
        boolean known = ABBREVIATIONS.contains(word) || TITLES.contains(word)
                || Character.isUpperCase(peek(from)) && CAPITALIZED.contains(word)
                || NUMBERED.contains(word) && isDigit(peek(next));
        return known ? end + 1 : from;
    }

    /** {@code J.}, unless a sentence begins after it. */
    int initial(int from) {
        if (!isAscii(peek(from)) || peek(from + 1) != '.') {
            return from;
        }
        int next = from + 2;
        while (next < text.length() && isSpace(peek(next))) {
            next++;
        }
        int end = peek(run(next)) == '.' ? run(next) + 1 : run(next);
        boolean opens = next > from + 2 && Character.isUpperCase(peek(next)) && isSpace(peek(end))
                && OPENINGS.contains(lower(next, end));
        return opens ? from : from + 2;
    }

    /** Words with an apostrophe within: {@code O'Neil}, {@code d'être}, {@code ma'am}. */
    int name(int from) {
        int mark = hyphenated(from);
        if (mark == from || !isApostrophe(peek(mark))) {
            return from;
        }
        int end = run(mark + 1);
        char before = peek(mark - 1);
        boolean single = mark == from + 1 || isAny("-_", peek(mark - 2));
        if (single && isLetter(peek(mark + 1)) && isLetter(peek(mark + 2))
                && (isAny("dlno", before) || before >= 'A' && before <= 'Z' && !isAny("IY", before))) {
            return withTail(end);
        }
        boolean small = isAny("aeiouy", before) && isAny("aeiouAEIOU", peek(mark + 1));
        boolean capital = isAny("AEIOUY", before) && capitals(mark + 1) > mark + 1 && contraction(mark) == mark;
        return !single && run(from) == mark && (small || capital) ? end : from;
    }

    /** {@code d'}, {@code j'}, {@code l'} by themselves, {@code y'} before a letter. */
    int elision(int from) {
        boolean elided = isApostrophe(peek(from + 1)) && contraction(from + 1) == from + 1
                && (isAny("djlDJL", peek(from)) || isAny("yY", peek(from)) && isLetter(peek(from + 2)));
        return elided ? from + 2 : from;
    }

    int clipped(int from) {
        if (!isApostrophe(peek(from + 1)) && !isApostrophe(peek(run(from)))) {
            return from;
        }
        for (String word : CLIPPED) {
            if (startsWith(word, from)) {
                return from + word.length();
            }
        }
        return from;
    }

    /** {@code AT&T}, {@code S&P-500}. */
    int ampersand(int from) {
        int end = capitals(from);
        while (end > from && peek(end) == '&' && capitals(end + 1) > end + 1) {
            end = capitals(end + 1);
        }
        return startsWith("S&P-500", from) ? from + 7 : end;
    }

    /** {@code C++}, {@code C#}, {@code F#}, {@code US$}. */
    int symbol(int from) {
        if (isAny("cC", peek(from)) && text.startsWith("++", from + 1)) {
            return from + 3;
        }
        int end = capitals(from);
        return isAny("cCfF", peek(from)) && peek(from + 1) == '#' ? from + 2 : end > from && peek(end) == '$' ? end + 1 : from;
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

    // --- contractions

    /** {@code 's}, {@code 'll}; a straight apostrophe before more letters is a quote. */
    int contraction(int from) {
        if (!isApostrophe(peek(from))) {
            return from;
        }
        for (String letters : List.of("s", "m", "d", "re", "ve", "ll")) {
            int end = from + 1 + letters.length();
            if (startsWith(letters, from + 1) && (peek(from) == '’' || !isAscii(peek(end)))) {
                return end;
            }
        }
        return from;
    }

    /** {@code 'em}, {@code '90s}, {@code '90}. */
    int beheaded(int from) {
        for (String word : BEHEADED) {
            if (startsWith(word, from)) {
                return from + word.length();
            }
        }
        if (startsWith("'n", from) && isSpace(peek(from + 2))) {
            return from + 2;
        }
        int end = group(from + 1, 2, 2);
        boolean decade = peek(end) == 's';
        return end > from + 1 && (decade || isSpace(peek(end))) ? decade ? end + 1 : end : from;
    }

    int negation(int from) {
        return startsWith("n't", from) ? from + 3 : from;
    }

    // --- stretches

    /**
     * The end of the characters of a kind that begin at a place. A stretch is looked through once, although words begin all
     * over it, each of which asks how far it reaches.
     */
    private int stretch(int kind, int from) {
        if (from < stretchFrom[kind] || from >= stretchEnd[kind]) {
            int end = from;
            while (isOf(kind, peek(end))) {
                end++;
            }
            stretchFrom[kind] = from;
            stretchEnd[kind] = end;
            return end;
        }
        return stretchEnd[kind];
    }

    private static boolean isOf(int kind, char c) {
        return switch (kind) {
            case BEFORE_AT -> !isSpace(c) && !isAny("\"<>|(){}@", c);
            case AFTER_AT -> !isSpace(c) && !isAny("\"<>|(){}", c);
            case COMPOUND -> isAscii(c) || c >= '0' && c <= '9' || c == '.' || c == ',';
            default -> isAscii(c) || c == '.';
        };
    }

    // --- letters

    /** The end of the letters and digits that begin at a place. */
    int run(int from) {
        int end = from;
        boolean any = false;
        while (isLetter(peek(end)) || isDigit(peek(end)) || peek(end) == SOFT_HYPHEN) {
            any |= peek(end) != SOFT_HYPHEN;
            end++;
        }
        return any ? end : from;
    }

    int digits(int from) {
        int end = from;
        while (isDigit(peek(end))) {
            end++;
        }
        return end;
    }

    int capitals(int from) {
        int end = from;
        while (peek(end) >= 'A' && peek(end) <= 'Z') {
            end++;
        }
        return end;
    }

    /** A word and what hyphens join to it. */
    int withTail(int word) {
        int end = word;
        while (peek(end) == '-' && latin(end + 1) > end + 1) {
            end = latin(end + 1);
        }
        return end;
    }

    /** The end of the ASCII letters that begin at a place. */
    int ascii(int from) {
        int end = from;
        while (isAscii(peek(end))) {
            end++;
        }
        return end;
    }

    /** The end of the ASCII letters and digits that begin at a place. */
    int latin(int from) {
        int end = from;
        while (isAscii(peek(end)) || peek(end) >= '0' && peek(end) <= '9') {
            end++;
        }
        return end;
    }

    boolean hasLetter(int from, int end) {
        for (int i = from; i < end; i++) {
            if (isLetter(peek(i))) {
                return true;
            }
        }
        return false;
    }

    char peek(int place) {
        return place >= 0 && place < text.length() ? text.charAt(place) : END;
    }

    boolean startsWith(String prefix, int from) {
        for (int i = 0; i < prefix.length(); i++) {
            char c = peek(from + i) == '’' ? '\'' : peek(from + i);
            if (Character.toLowerCase(c) != Character.toLowerCase(prefix.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    static int longest(int... ends) {
        int longest = ends[0];
        for (int end : ends) {
            longest = Math.max(longest, end);
        }
        return longest;
    }

    static boolean isAny(String chars, char c) {
        return chars.indexOf(c) >= 0;
    }

    static boolean isSpace(char c) {
        return Character.isWhitespace(c) || c == HARD_SPACE;
    }

    static boolean isAscii(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    static boolean isDigit(char c) {
        return c >= '0' && c <= '9' || c > 127 && Character.isDigit(c);
    }

    static boolean isHyphen(char c) {
        return c == '-' || c == '‐' || c == '‑';
    }

    static boolean isApostrophe(char c) {
        return c == '\'' || c == '’';
    }

    static boolean isLetter(char c) {
        if (c < 128) {
            return isAscii(c);
        }
        int type = Character.getType(c);
        return Character.isLetter(c) || type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
    }

    /** What the Stanford tokenizer passes over. */
    static boolean isSilent(char c) {
        if (c > ' ' && c < 127) {
            return false;
        }
        int type = Character.getType(c);
        return Character.isSurrogate(c) || type == Character.CONTROL || type == Character.FORMAT && c != SOFT_HYPHEN
                || type == Character.UNASSIGNED || type == Character.PRIVATE_USE
                || type == Character.CURRENCY_SYMBOL && c > '¥' && c != '₠' && c != '₤' && c != '€';
    }

    String lower(int from, int end) {
        return text.substring(from, end).toLowerCase(Locale.ROOT);
    }

    private static Set<String> words(String text) {
        return Arrays.stream(text.strip().split("\\s+")).collect(Collectors.toUnmodifiableSet());
    }
}
