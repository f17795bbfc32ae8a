package org.lora4j.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What is true of a family of models stands in its package and nowhere else: no other source of the product names it, one of its
 * tensors, or the way its weights lie, and no family names another. Comments may speak of them, for readers who know them; so may
 * examples of the command line speak of models by the names that people know.
 */
class OneFamilyTest {

    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
    private static final String MODELS = "models/src/main/java/org/lora4j/";
    private static final List<String> FAMILIES = List.of("gpt2", "bert", "roberta", "distilbert", "deberta", "llama");
    /** Where words stand that several families share. */
    private static final String SHARED = MODELS + "encoder/";
    private static final String OWN_LINES = "models/src/main/java/module-info.java"; // exports and provides them

    /** In code, names of classes and variables among it. */
    private static final Pattern IN_CODE = Pattern.compile("(?i)gpt_?2|conv1d|\\b(c_attn|c_proj|c_fc|lm_head)\\b"
            + "|\\b(?-i:(?:Ro|Distil|De)?[Bb]ert(?:a|aV2)?(?:[A-Z]\\w*)?)\\b(?!\\()");

    /** In strings. */
    private static final Pattern IN_LITERALS = Pattern.compile("(?i)gpt[-_ ]?2|conv1d|c_attn|c_proj|c_fc|lm_head|masked_bias|\\bw[tp]e\\b|\\bln_[f12]\\b"
            + "|transformer\\\\*\\.|(?:^|[.\\\\ ])h\\\\*\\.(?:[\\d\\\\(\\[%]|$)|in\\s*[×x]\\s*out\\b"
            + "|\\b(?:word|position|token_type)_embeddings|attention\\.self|\\b[qkv]_lin\\b|(?:query|key|value)_proj|intermediate\\.dense"
            + "|classifier\\.(?:dense|out_proj)|pooler\\.dense|\\b(?:ro|distil|de)?berta?\\\\*\\.(?!$|bin)");

    /** The beginnings of the paths where GPT-2's own name may stand, and why; no name of a tensor may. */
    private static final Map<String, String> MAY_NAME_IT = Map.of(
            "models/src/main/java/org/lora4j/tokenizer/",
            "tokenizers are called after the models that had them first, in files of other families too",
            "experiments/src/main/java/org/lora4j/experiments/bench/StepBenchmark.java",
            "the sizes that the recorded numbers are of",
            "spark/src/main/java/org/lora4j/spark/ClusterModel.java",
            "the models of the paper's tables, as its figure calls them");

    private static final Pattern OWN_NAME = Pattern.compile("(?i).*(?:gpt[-_ ]?2|bert).*");

    @Test
    void nothingOutsideTheirPackagesKnowsAFamily() throws IOException {
        Map<String, List<String>> found = new TreeMap<>();
        List<Path> sources = sources();
        assertThat(sources).as("sources under " + ROOT).hasSizeGreaterThan(200);
        for (Path source : sources) {
            String name = ROOT.relativize(source).toString().replace('\\', '/');
            if (!name.startsWith(SHARED) && !name.equals(OWN_LINES) && familyOf(name) == null) {
                List<String> names = namesIn(Files.readString(source));
                if (MAY_NAME_IT.keySet().stream().anyMatch(name::startsWith)) {
                    names.removeIf(each -> OWN_NAME.matcher(each).matches());
                }
                if (!names.isEmpty()) {
                    found.put(name, names);
                }
            }
        }
        assertThat(found).isEmpty();
    }

    @Test
    void noFamilyKnowsAnother() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path source : sources()) {
            String name = ROOT.relativize(source).toString().replace('\\', '/');
            String family = name.startsWith(SHARED) ? "encoder" : familyOf(name);
            if (family != null) {
                String code = String.join("\n", JavaSource.of(Files.readString(source)).code());
                FAMILIES.stream().filter(other -> !other.equals(family) && code.contains("org.lora4j." + other + "."))
                        .forEach(other -> found.add(name + " knows " + other));
            }
        }
        assertThat(found).isEmpty();
    }

    private static @Nullable String familyOf(String source) {
        return FAMILIES.stream().filter(family -> source.startsWith(MODELS + family + "/")).findFirst().orElse(null);
    }

    @Test
    void thePlacesThatMayNameItAreThere() {
        assertThat(MAY_NAME_IT.keySet()).allMatch(place -> Files.exists(ROOT.resolve(place)));
    }

    @Test
    void namesAreFoundInCodeAndStringsAndNotInComments() {
        assertThat(namesIn("""
                /** GPT-2's c_attn, "wte". */ class A { // lm_head
                    Gpt2 model;
                    String a = "transformer.h.0.ln_1", b = "\\"lm_head", c = "no name here"; char quote = '"';
                    /* transformer.wte */ String d = "x /* wte */ y";
                    Pattern p = Pattern.compile("\\\\.h\\\\.(\\\\d+)");
                    String e = "weights lie in × out"; boolean within = x.h.length > 0;
                    String f = \"""
                        a block "of" text with GPT-2 in it
                        \""";
                    String g = "roberta-base.bin, word_embeddings";
                    BertNames h = bert(folder);
                }
                """)).containsExactly("2: Gpt2", "3: transformer.", "3: lm_head", "4: wte", "5: .h\\\\.(", "6: in × out", "7: GPT-2",
                "10: word_embeddings", "11: BertNames");
    }

    /** Line and name of each that stands in the text, the first of a line of code or a string. */
    private static List<String> namesIn(String text) {
        JavaSource source = JavaSource.of(text);
        Map<Integer, List<String>> names = new TreeMap<>();
        for (int i = 0; i < source.code().size(); i++) {
            add(names, i + 1, IN_CODE, source.code().get(i));
        }
        source.literals().forEach(literal -> add(names, literal.line(), IN_LITERALS, literal.text()));
        List<String> all = new ArrayList<>();
        names.forEach((line, each) -> each.forEach(name -> all.add(line + ": " + name)));
        return all;
    }

    private static void add(Map<Integer, List<String>> names, int line, Pattern pattern, String text) {
        pattern.matcher(text).results().findFirst()
                .ifPresent(match -> names.computeIfAbsent(line, key -> new ArrayList<>()).add(match.group()));
    }

    private static List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path main : modules.map(module -> module.resolve("src/main/java")).filter(Files::isDirectory).toList()) {
                try (Stream<Path> files = Files.walk(main)) {
                    files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
                } catch (UncheckedIOException e) {
                    throw e.getCause();
                }
            }
        }
        return sources;
    }
}
