package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads {@code post_processor} of a {@code tokenizer.json}. */
public final class TemplateReader {

    private static final List<String> KNOWN =
            List.of("TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence");

    private TemplateReader() {
    }

    /** @throws org.lora4j.io.FormatException that names the place of what is wrong or not known */
    public static Template read(JsonPart part) {
        if (part.isMissing()) {
            return Template.NONE;
        }
        return switch (part.type()) {
            case "TemplateProcessing" -> template(part);
            case "BertProcessing" -> Template.bert(token(part.get("cls")), token(part.get("sep")));
            case "RobertaProcessing" -> Template.roberta(token(part.get("cls")), token(part.get("sep")));
            case "ByteLevel" -> Template.NONE; // it moves offsets, which nobody asks for here
            case "Sequence" -> sequence(part);
            default -> throw part.unknownType("post-processor", KNOWN);
        };
    }

    private static Template sequence(JsonPart part) {
        Template found = Template.NONE;
        for (JsonPart processor : part.get("processors").list()) {
            Template one = read(processor);
            if (one != Template.NONE && found != Template.NONE) {
                throw processor.error("is the second that puts tokens around a text, expected one such post-processor");
            }
            found = one == Template.NONE ? found : one;
        }
        return found;
    }

    /** A token with its id: {@code ["[CLS]", 101]}. */
    private static int token(JsonPart part) {
        List<JsonPart> pair = part.list();
        if (pair.size() != 2) {
            throw part.wrong("a token and its id, such as [\"[CLS]\", 101]");
        }
        pair.getFirst().text();
        return pair.getLast().whole();
    }

    private static Template template(JsonPart part) {
        Map<String, JsonPart> special = part.get("special_tokens").members();
        List<Template.Place> single = places(part.get("single"), special, 0);
        List<Template.Place> pair = places(part.get("pair"), special, 1);
        if (pair.stream().noneMatch(place -> place.text() == 0) || pair.stream().noneMatch(place -> place.text() == 1)) {
            throw part.get("pair").error("does not have both texts, A and B");
        }
        return new Template(single, pair);
    }

    private static List<Template.Place> places(JsonPart template, Map<String, JsonPart> special, int lastText) {
        List<Template.Place> places = new ArrayList<>();
        for (JsonPart piece : template.list()) {
            if (piece.names("Sequence")) {
                JsonPart sequence = piece.get("Sequence");
                int text = switch (sequence.get("id").text()) {
                    case "A" -> 0;
                    case "B" -> 1;
                    default -> throw sequence.get("id").wrong("A or B");
                };
                if (text > lastText) {
                    throw sequence.get("id").wrong("A, since there is no second text");
                }
                places.add(Template.Place.text(text, sequence.get("type_id").whole()));
            } else {
                JsonPart token = piece.get("SpecialToken");
                JsonPart known = special.get(token.get("id").text());
                if (known == null) {
                    throw token.get("id").wrong("one of its special_tokens");
                }
                int[] ids = known.get("ids").list().stream().mapToInt(JsonPart::whole).toArray();
                places.add(Template.Place.special(token.get("type_id").whole(), ids));
            }
        }
        return places;
    }
}
