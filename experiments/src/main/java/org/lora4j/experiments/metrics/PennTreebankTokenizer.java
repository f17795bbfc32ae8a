package org.lora4j.experiments.metrics;

import static java.util.Map.entry;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Words as in the Penn Treebank: {@code It's £20, isn't it?} is {@code it 's # 20 , is n't it ?}
 *
 * <p>Written from the Treebank's conventions to give the words of the Stanford tokenizer of CoreNLP 3.4.1 with
 * {@code -preserveLines -lowerCase}, since published ROUGE-L and CIDEr rest on them: brackets are {@code -lrb-} and the
 * like, quotes {@code ``} and {@code ''}, the pound sign is {@code #}, dots are {@code ...}, contractions are split, and
 * abbreviations keep their point. docs/metrics.md says how near it comes. It works on lines together: whether a letter
 * with a point ends a sentence can depend on how the next line begins.
 *
 * <p>At each place every kind of word that can begin there is measured, and the longest taken.
 */
final class PennTreebankTokenizer extends PennTreebankWords {

    private static final Map<Character, String> SIGNS = Map.ofEntries(
            entry('“', "``"), entry('«', "``"), entry('”', "''"), entry('»', "''"),
            entry('‘', "`"), entry('‛', "`"), entry('‹', "`"), entry('›', "'"),
            entry('[', "-lsb-"), entry(']', "-rsb-"), entry('{', "-lcb-"), entry('}', "-rcb-"),
            entry('£', "#"), entry('€', "$"), entry('¤', "$"), entry('₠', "$"), entry('¢', "cents"),
            entry('¼', "1/4"), entry('½', "1/2"), entry('¾', "3/4"), entry('⅓', "1/3"), entry('⅔', "2/3"),
            entry('–', "--"), entry('—', "--"), entry('―', "--"), entry('…', "..."), entry(SOFT_HYPHEN, "-"));

    private static final Map<String, String> ENTITIES = Map.of("&lt;", "<", "&gt;", ">", "&apos;", "'");

    private final List<String> words = new ArrayList<>();
    private int at;

    private PennTreebankTokenizer(String text) {
        super(text);
    }

    /** The words of each line. */
    static List<List<String>> tokenize(List<String> lines) {
        List<String> plain = lines.stream().map(PennTreebankTokenizer::withoutEntities).toList();
        PennTreebankTokenizer tokenizer = new PennTreebankTokenizer(String.join("\n", plain));
        List<List<String>> words = new ArrayList<>(lines.size());
        int end = -1;
        for (String line : plain) {
            end += 1 + line.length();
            words.add(tokenizer.upTo(end));
        }
        return words;
    }

    private static String withoutEntities(String line) {
        String plain = line.replace(END, ' ');
        return plain.indexOf('&') < 0 ? plain : plain.replaceAll("(?<=\\S)&apos;", "'").replace("&quot;", "\"")
                .replace("&mdash;", "—").replace("&ndash;", "–").replace("&nbsp;", " ").replace("&amp;", "&");
    }

    private List<String> upTo(int end) {
        words.clear();
        while (at < end) {
            if (isSpace(peek(at)) || isSilent(peek(at))) {
                at++;
            } else if (!apostrophe() && !word()) {
                sign();
            }
        }
        return List.copyOf(words);
    }

    // --- words

    /** Takes the longest word that begins here, without the contraction that ends it. */
    private boolean word() {
        int end = ascii(at);
        if (end == at || !isSpace(peek(end))) { // most words are letters between spaces
            end = longestWord();
        }
        if (end == at) {
            return false;
        }
        int stem = end - 1;
        if (negation(at) >= end) {
            put("n't", negation(at));
        } else if (stem > at && ascii(at) == end && negation(stem) > end) {
            take(stem);
        } else {
            int half = end - at <= 6 ? FUSED.getOrDefault(lower(at, end), 0) : 0;
            if (half > 0) {
                take(at + half);
            }
            take(end);
        }
        return true;
    }

    private int longestWord() {
        int end = longest(at, number(at), phone(at), email(at), domain(at), tag(at));
        if (run(at) == at) {
            return end;
        }
        int word = longest(hyphenated(at), dotted(at), name(at), ampersand(at));
        return longest(end, isPointKept(at, word) ? word + 1 : word, slashed(at), compound(at), acronym(at), abbreviation(at),
                initial(at), elision(at), clipped(at), symbol(at), fraction(at), url(at));
    }

    // --- signs

    /** Takes a contraction, a word that begins with an apostrophe, or a single quote. */
    private boolean apostrophe() {
        char mark = peek(at);
        if (!isApostrophe(mark)) {
            return false;
        }
        int end = contraction(at);
        int beheaded = beheaded(at);
        if (end > at) {
            put(lower(at, end).replace('’', '\''), end);
        } else if (startsWith("'tis", at) || startsWith("'twas", at)) {
            take(at + 2);
        } else if (beheaded > at) {
            take(beheaded);
        } else if (peek(at + 1) == mark) {
            put("''", at + 2);
        } else {
            boolean opens = mark == '\'' && isAscii(peek(at + 1)) && !isSpace(peek(at + 2));
            put(opens ? "`" : "'", at + 1);
        }
        return true;
    }

    /** Takes anything else: brackets, quotes, currencies, and signs that run together. */
    private void sign() {
        int face = emoticon(at);
        if (face > at) {
            take(face);
            return;
        }
        char c = peek(at);
        switch (c) {
            case '"' -> put(isAscii(peek(at + 1)) || isDigit(peek(at + 1)) || peek(at + 1) == '$' ? "``" : "''", at + 1);
            case '`', '<', '>' -> take(peek(at + 1) == c ? at + 2 : at + 1);
            case '-' -> {
                int run = sameFrom(at, Integer.MAX_VALUE);
                put(run - at > 1 && run - at < 5 ? "--" : "-".repeat(run - at), run);
            }
            case '.' -> {
                int run = sameFrom(at, 5);
                int dots = text.startsWith(". . .", at) ? at + 5 : run - at > 2 ? run : at + 1;
                put(dots > at + 1 ? "..." : ".", dots);
            }
            case '!', '?' -> {
                int end = at + 1;
                while (isAny("!?", peek(end))) {
                    end++;
                }
                take(end);
            }
            case '*', '_' -> take(sameFrom(at, Integer.MAX_VALUE));
            case '#' -> take(Math.max(sameFrom(at, Integer.MAX_VALUE), ascii(at + 1)));
            case '@' -> take(Math.max(sameFrom(at, Integer.MAX_VALUE), user(at)));
            case '&' -> {
                Map.Entry<String, String> entity = ENTITIES.entrySet().stream()
                        .filter(entry -> text.startsWith(entry.getKey(), at)).findAny().orElse(Map.entry("&", "&"));
                put(entity.getValue(), at + entity.getKey().length());
            }
            default -> put(SIGNS.getOrDefault(c, lower(at, at + 1)), at + 1);
        }
    }

    /** The end of at most so many characters that are all the first. */
    private int sameFrom(int from, int most) {
        int end = from + 1;
        while (end - from < most && end < text.length() && text.charAt(end) == text.charAt(from)) {
            end++;
        }
        return end;
    }

    /** {@code @user}. */
    private int user(int from) {
        int end = from + 1;
        while (isAscii(peek(end)) || peek(end) == '_' || end > from + 1 && isDigit(peek(end))) {
            end++;
        }
        return end;
    }

    /** {@code :-)}. */
    private int emoticon(int from) {
        int eyes = isAny("<>", peek(from)) ? from + 1 : from;
        int mouth = isAny("-'", peek(eyes + 1)) ? eyes + 2 : eyes + 1;
        boolean face = isAny(":;=", peek(eyes)) && isAny("()DPdp\\|[]{@3", peek(mouth)) && !text.startsWith("=3", eyes)
                && run(mouth + 1) == mouth + 1;
        return face ? mouth + 1 : from;
    }

    private void take(int end) {
        put(lower(at, end), end);
    }

    private void put(String word, int end) {
        String plain = word.indexOf('@') < 0 ? word.replace(String.valueOf(SOFT_HYPHEN), "") : word;
        words.add(plain.replace("(", "-lrb-").replace(")", "-rrb-").replace(' ', HARD_SPACE));
        at = end;
    }
}
