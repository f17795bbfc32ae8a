package org.lora4j.book;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import org.commonmark.ext.gfm.tables.TableBlock;
import org.commonmark.ext.gfm.tables.TableCell;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Block;
import org.commonmark.node.Code;
import org.commonmark.node.CustomBlock;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.Image;
import org.commonmark.node.IndentedCodeBlock;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.node.SoftLineBreak;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.NodeRenderer;
import org.commonmark.renderer.html.AttributeProvider;
import org.commonmark.renderer.html.HtmlNodeRendererContext;
import org.commonmark.renderer.html.HtmlRenderer;
import org.commonmark.renderer.html.HtmlWriter;

/** A chapter: its Markdown as HTML, its headings, and what the search finds in it. */
final class Page {

    private static final String IN_THE_CODE = "in-the-code";
    private static final String TESTED = "how-it-is-tested";

    private final Path root;
    private final Contents contents;
    private final Names names;
    private final Contents.Chapter chapter;
    private final Map<Heading, String> anchors = new IdentityHashMap<>();
    private final Map<TableCell, Boolean> numbers = new IdentityHashMap<>();
    private final Map<String, String> copied = new TreeMap<>();
    private final List<Map.Entry<String, String>> headings = new ArrayList<>();
    private final List<Map<String, String>> sections = new ArrayList<>();
    private String html;
    private int formulas;

    Page(Path root, Contents contents, Names names, Contents.Chapter chapter) {
        this.root = root;
        this.contents = contents;
        this.names = names;
        this.chapter = chapter;
    }

    Page render() throws IOException {
        List<TablesExtension> extensions = List.of((TablesExtension) TablesExtension.create());
        Node document = Parser.builder().extensions(extensions).build()
                .parse(Files.readString(root.resolve(chapter.file())));
        document.accept(new Reader());
        html = HtmlRenderer.builder().extensions(extensions).attributeProviderFactory(context -> attributes())
                .nodeRendererFactory(Blocks::new).build().render(document);
        html = html.replace("<table>", "<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>")
                .replace("</table>", "</table></div>")
                .replaceAll("(<h([2-4]) id=\"([^\"]+)\">)(.*?)(</h\\2>)",
                        "$1$4<a class=\"anchor\" href=\"#$3\" aria-label=\"Link to this heading\">#</a>$5");
        html = html.replaceFirst("</h1>", "</h1>" + Matcher.quoteReplacement(alive(document)));
        return this;
    }

    /** Under the title of a page that names its code and its tests: both, at a glance. */
    private String alive(Node document) throws IOException {
        Map<String, Set<String>> links = new HashMap<>(Map.of(IN_THE_CODE, new LinkedHashSet<>(), TESTED, new LinkedHashSet<>()));
        String[] section = {""};
        document.accept(new AbstractVisitor() {
            @Override
            public void visit(Heading heading) {
                section[0] = anchors.get(heading);
            }

            @Override
            public void visit(Code code) {
                if (links.containsKey(section[0])) {
                    Page.this.link(code.getLiteral()).filter(link -> link.startsWith("sources/") == section[0].equals(TESTED))
                            .ifPresent(link -> links.get(section[0]).add("<a href=\"" + Html.escape(relative(link)) + "\">"
                                    + Html.escape(code.getLiteral().replaceFirst("^(?:[a-z0-9]+\\.)+(?=[A-Z])", "")) + "</a>"));
                }
            }
        });
        if (links.get(IN_THE_CODE).isEmpty() || links.get(TESTED).isEmpty()) {
            return "";
        }
        return "<div class=\"alive\"><p><b>Code</b> " + String.join(" ", links.get(IN_THE_CODE)) + "</p><p><b>Tests</b> "
                + String.join(" ", links.get(TESTED)) + "</p></div>";
    }

    private Optional<String> link(String code) {
        try {
            return names.link(code);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String relative(String target) {
        return Html.from(chapter.page(), target);
    }

    private AttributeProvider attributes() {
        return (node, tag, attributes) -> {
            switch (node) {
                case Heading heading -> attributes.put("id", anchors.get(heading));
                case Link link -> attributes.put("href", target(link.getDestination()));
                case Image image -> attributes.put("src", target(image.getDestination()));
                case TableCell cell when numbers.containsKey(cell) -> attributes.put("class", "num");
                default -> { }
            }
        };
    }

    /** A link of the Markdown as a link of the site. */
    private String target(String link) {
        if (link.matches("[a-z]+:.*") || link.startsWith("#")) {
            return link;
        }
        String[] parts = link.split("#", 2);
        String anchor = parts.length > 1 ? "#" + parts[1] : "";
        String file = Contents.resolve(chapter.file(), parts[0]);
        Contents.Chapter to = contents.of(Files.isDirectory(root.resolve(file)) ? file + "/README.md" : file);
        if (to != null) {
            return relative(to.page()) + anchor;
        }
        if (file.endsWith(".java")) {
            return relative(names.sourcePage(file)) + anchor;
        }
        if (!Files.isRegularFile(root.resolve(file))) {
            throw new IllegalArgumentException(chapter.file() + " links to " + link + ", which the book does not have");
        }
        String name = file.startsWith("docs/") ? file.substring(5) : "files/" + file;
        copied.put(file, name.matches(".*\\.\\w+") ? name : name + ".txt");
        return relative(copied.get(file)) + anchor;
    }

    /** The chapter's HTML. */
    String html() {
        return html;
    }

    /** The second headings: anchor and text. */
    List<Map.Entry<String, String>> headings() {
        return headings;
    }

    /** What the search finds: page and anchor, title, heading, text. */
    List<Map<String, String>> sections() {
        return sections;
    }

    /** Files that the page links to or shows, and where in the site they go. */
    Map<String, String> copied() {
        return copied;
    }

    /** Gives headings their anchors, finds columns of numbers, and collects the text for the search. */
    private final class Reader extends AbstractVisitor {

        private final Map<String, Integer> used = new HashMap<>();
        private StringBuilder text = new StringBuilder();

        @Override
        public void visit(Heading heading) {
            String title = text(heading);
            String anchor = Html.anchor(title);
            int times = used.merge(anchor, 1, Integer::sum);
            anchors.put(heading, times == 1 ? anchor : anchor + "-" + (times - 1));
            if (heading.getLevel() == 2) {
                headings.add(Map.entry(anchors.get(heading), title));
            }
            text = new StringBuilder();
            Map<String, String> section = new LinkedHashMap<>();
            section.put("p", chapter.page() + (heading.getLevel() == 1 ? "" : "#" + anchors.get(heading)));
            section.put("t", chapter.title());
            section.put("h", heading.getLevel() == 1 ? "" : title);
            section.put("x", text(section(heading)));
            sections.add(section);
        }

        private List<Node> section(Heading heading) {
            List<Node> nodes = new ArrayList<>();
            for (Node node = heading.getNext(); node != null && !(node instanceof Heading); node = node.getNext()) {
                nodes.add(node);
            }
            return nodes;
        }

        private String text(List<Node> nodes) {
            StringBuilder all = new StringBuilder();
            nodes.forEach(node -> all.append(Page.text(node)).append(' '));
            return all.toString().replaceAll("\\s+", " ").strip();
        }

        private String text(Node node) {
            return Page.text(node).strip();
        }

        @Override
        public void visit(CustomBlock block) {
            if (block instanceof TableBlock table) {
                columns(table);
            }
            visitChildren(block);
        }

        private boolean isNumber(String cell) {
            return cell.isEmpty() || cell.equals("–") || cell.length() < 12 && cell.matches("[−–≥≤<>~-]? ?\\d.*");
        }

        private void columns(TableBlock table) {
            List<List<TableCell>> rows = Figure.rows(table);
            for (int column = 0; column < rows.getFirst().size(); column++) {
                int at = column;
                List<String> cells = rows.stream().skip(1).filter(row -> at < row.size())
                        .map(row -> Page.text(row.get(at)).strip()).toList();
                if (cells.stream().anyMatch(cell -> cell.matches(".*\\d.*")) && cells.stream().allMatch(this::isNumber)) {
                    rows.stream().filter(row -> at < row.size()).forEach(row -> numbers.put(row.get(at), true));
                }
            }
        }
    }

    /** All words of a node. */
    static String text(Node node) {
        StringBuilder text = new StringBuilder();
        node.accept(new AbstractVisitor() {
            @Override
            public void visit(Text words) {
                text.append(words.getLiteral());
            }

            @Override
            public void visit(Code code) {
                text.append(code.getLiteral());
            }

            @Override
            public void visit(SoftLineBreak line) {
                text.append(' ');
            }

            @Override
            public void visit(IndentedCodeBlock block) {
                text.append(block.getLiteral()).append(' ');
            }

            @Override
            public void visit(FencedCodeBlock block) {
                text.append(block.getLiteral()).append(' ');
            }

            @Override
            protected void visitChildren(Node parent) {
                super.visitChildren(parent);
                if (parent instanceof Block || parent instanceof TableCell) {
                    text.append(' ');
                }
            }
        });
        return text.toString();
    }

    /** Code, formulas, and figures. */
    private final class Blocks implements NodeRenderer {

        private final HtmlWriter out;
        private final HtmlNodeRendererContext context;

        private Blocks(HtmlNodeRendererContext context) {
            this.context = context;
            this.out = context.getWriter();
        }

        @Override
        public Set<Class<? extends Node>> getNodeTypes() {
            return Set.of(Code.class, IndentedCodeBlock.class, FencedCodeBlock.class, HtmlBlock.class);
        }

        @Override
        public void render(Node node) {
            switch (node) {
                case Code code -> code(code);
                case IndentedCodeBlock block -> block(block.getLiteral(), "");
                case FencedCodeBlock block -> block(block.getLiteral(), block.getInfo());
                case HtmlBlock comment -> figure(comment);
                default -> throw new IllegalArgumentException(node.toString());
            }
        }

        private void code(Code code) {
            Optional<String> link = code.getParent() instanceof Link ? Optional.empty() : link(code.getLiteral());
            link.ifPresent(to -> out.raw("<a class=\"code\" href=\"" + Html.escape(relative(to)) + "\">"));
            out.raw("<code>" + Html.escape(code.getLiteral()) + "</code>");
            link.ifPresent(to -> out.raw("</a>"));
        }

        private void block(String text, String info) {
            String body = text.stripTrailing();
            out.line();
            if (info.equals("java")) {
                out.raw("<pre class=\"java\" tabindex=\"0\">" + SourcePage.coloured(body) + "</pre>");
            } else if (info.isEmpty() && Formula.is(body)) {
                formulas++;
                String id = "formula-" + formulas;
                out.raw("<figure class=\"formula" + (Formula.isDrawn(body) ? " drawn" : "") + "\" id=\"" + id
                        + "\"><pre tabindex=\"0\">" + Formula.html(body) + "</pre><figcaption><a href=\"#" + id
                        + "\" aria-label=\"Formula " + formulas + " of this page\">" + formulas + "</a></figcaption></figure>");
            } else {
                out.raw("<pre tabindex=\"0\">" + Html.escape(body) + "</pre>");
            }
            out.line();
        }

        private void figure(HtmlBlock comment) {
            Figure.of(comment).ifPresent(figure -> {
                out.line();
                out.raw(figure);
                out.line();
            });
        }
    }
}
