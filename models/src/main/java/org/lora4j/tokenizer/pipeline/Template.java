package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.tokenizer.Encoding;
import org.lora4j.tokenizer.Side;
import org.lora4j.tokenizer.Truncation;

/**
 * Where special tokens stand around one text and around two, and which token type each place has.
 *
 * @param single the places of one text
 * @param pair   those of two
 */
public record Template(List<Place> single, List<Place> pair) {

    /** Nothing is put around a text; the second of a pair has token type 1. */
    public static final Template NONE = new Template(List.of(Place.text(0, 0)), List.of(Place.text(0, 0), Place.text(1, 1)));

    /**
     * A text or special tokens.
     *
     * @param text   0 for the first text, 1 for the second, -1 for special tokens
     * @param ids    the special tokens
     * @param typeId the token type of all of it
     */
    public record Place(int text, int[] ids, int typeId) {

        public static Place text(int text, int typeId) {
            return new Place(text, new int[0], typeId);
        }

        public static Place special(int typeId, int... ids) {
            return new Place(-1, ids, typeId);
        }
    }

    public Template {
        single = List.copyOf(single);
        pair = List.copyOf(pair);
    }

    /** {@code [CLS] first [SEP]} and {@code [CLS] first [SEP] second [SEP]}, the second text and its end of token type 1. */
    public static Template bert(int cls, int sep) {
        return new Template(List.of(Place.special(0, cls), Place.text(0, 0), Place.special(0, sep)),
                List.of(Place.special(0, cls), Place.text(0, 0), Place.special(0, sep), Place.text(1, 1), Place.special(1, sep)));
    }

    /** {@code <s> first </s>} and {@code <s> first </s></s> second </s>}, all of token type 0. */
    public static Template roberta(int cls, int sep) {
        return new Template(List.of(Place.special(0, cls), Place.text(0, 0), Place.special(0, sep)),
                List.of(Place.special(0, cls), Place.text(0, 0), Place.special(0, sep, sep), Place.text(1, 0),
                        Place.special(0, sep)));
    }

    /** The same ids before either text, and others behind either. */
    public static Template around(int[] before, int[] behind) {
        List<Place> one = List.of(Place.special(0, before), Place.text(0, 0), Place.special(0, behind));
        List<Place> two = new ArrayList<>(one);
        two.addAll(List.of(Place.special(1, before), Place.text(1, 1), Place.special(1, behind)));
        return new Template(one, two);
    }

    /**
     * One text or two with their special tokens, cut to a length.
     *
     * @param second null where there is one text only
     * @param truncation  with a side
     * @param firstLonger which of the two counts as the longer where both are cut
     */
    public Encoding encode(int[] first, int @Nullable [] second, Truncation truncation, boolean firstLonger) {
        List<Place> places = second == null ? single : pair;
        int[] behind = second == null ? new int[0] : second;
        int added = places.stream().mapToInt(place -> place.ids.length).sum();
        int[] kept = truncation.kept(first.length, behind.length, second != null, added, firstLonger);
        boolean left = truncation.side() == Side.LEFT;
        int[][] texts = {cut(first, kept[0], left), cut(behind, kept[1], left)};
        int length = places.stream().mapToInt(place -> place.text < 0 ? place.ids.length : texts[place.text].length).sum();
        int[] ids = new int[length];
        int[] types = new int[length];
        boolean[] special = new boolean[length];
        int at = 0;
        for (Place place : places) {
            int[] part = place.text < 0 ? place.ids : texts[place.text];
            System.arraycopy(part, 0, ids, at, part.length);
            Arrays.fill(types, at, at + part.length, place.typeId);
            Arrays.fill(special, at, at + part.length, place.text < 0);
            at += part.length;
        }
        return new Encoding(ids, types, special, first.length + behind.length - kept[0] - kept[1]);
    }

    private static int[] cut(int[] ids, int length, boolean left) {
        return length == ids.length ? ids : left ? Arrays.copyOfRange(ids, ids.length - length, ids.length)
                : Arrays.copyOf(ids, length);
    }

    /** For a fingerprint. */
    public String describe() {
        return describe(single) + " / " + describe(pair);
    }

    private static String describe(List<Place> places) {
        StringBuilder text = new StringBuilder();
        places.forEach(place -> text.append(place.text).append(Arrays.toString(place.ids)).append(place.typeId).append(' '));
        return text.toString();
    }
}
