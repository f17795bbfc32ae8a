package org.lora4j.experiments.metrics;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How far a word of the Penn Treebank reaches, for {@link PennTreebankTokenizer}.
 *
 * <p>Each kind of word has a method that takes a place in the text and returns where a word of that kind which begins
 * there ends, or the place itself where there is none.
 */
abstract class PennTreebankWords extends PennTreebankNumbers {

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

    private int partsFrom;
    private int lastPart;

    PennTreebankWords(String text) {
        super(text);
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

    private static Set<String> words(String text) {
        return Arrays.stream(text.strip().split("\\s+")).collect(Collectors.toUnmodifiableSet());
    }
}
