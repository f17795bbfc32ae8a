package org.lora4j.book;

import java.util.List;
import java.util.Map;

/** What stands around every page: the bar with the search, the contents, and the ways on and back. */
final class Template {

    private final Contents contents;
    private final String version;

    Template(Contents contents, String version) {
        this.contents = contents;
        this.version = version;
    }

    /** A chapter, the {@code number}-th in order. */
    String chapter(Page page, int number) {
        List<Contents.Chapter> all = contents.chapters();
        Contents.Chapter here = all.get(number);
        StringBuilder body = new StringBuilder("<article>").append(page.html()).append("</article>");
        body.append("<nav class=\"turn\" aria-label=\"Previous and next chapter\">");
        if (number > 0) {
            Contents.Chapter before = all.get(number - 1);
            body.append("<a rel=\"prev\" href=\"").append(Html.from(here.page(), before.page())).append("\"><span>Previous</span>")
                    .append(Html.escape(before.title())).append("</a>");
        }
        if (number < all.size() - 1) {
            Contents.Chapter after = all.get(number + 1);
            body.append("<a rel=\"next\" href=\"").append(Html.from(here.page(), after.page())).append("\"><span>Next</span>")
                    .append(Html.escape(after.title())).append("</a>");
        }
        body.append("</nav>");
        StringBuilder aside = new StringBuilder();
        if (page.headings().size() > 1) {
            aside.append("<aside class=\"here\" aria-label=\"On this page\"><b>On this page</b><ul>");
            for (Map.Entry<String, String> heading : page.headings()) {
                aside.append("<li><a href=\"#").append(heading.getKey()).append("\">").append(Html.escape(heading.getValue()))
                        .append("</a></li>");
            }
            aside.append("</ul></aside>");
        }
        return whole(here.title(), here.page(), body.toString(), aside.toString());
    }

    /** A page that is no chapter, such as a source. */
    String plain(String title, String page, String body) {
        return whole(title, page, "<article class=\"wide\">" + body + "</article>", "");
    }

    private String whole(String title, String page, String body, String aside) {
        String up = Html.from(page, "");
        return """
                <!doctype html>
                <html lang="en" data-up="%1$s">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <title>%2$s</title>
                <link rel="stylesheet" href="%1$sbook/book.css">
                <script>try{var t=localStorage.getItem("lora4j-theme");if(t)document.documentElement.dataset.theme=t}catch(e){}</script>
                <script defer src="%1$sbook/book.js"></script>
                </head>
                <body>
                <a class="skip" href="#main">To the text</a>
                <header>
                <button id="menu" aria-expanded="false" aria-controls="contents" aria-label="Contents">☰</button>
                <a class="home" href="%1$sindex.html">lora4j <small>%3$s</small></a>
                <form role="search"><input id="search" type="search" placeholder="Search  /" aria-label="Search the book" autocomplete="off"
                 role="combobox" aria-expanded="false" aria-controls="found"><ol id="found" role="listbox" hidden></ol></form>
                <button id="theme" aria-label="Light or dark">◐</button>
                </header>
                <nav id="contents" aria-label="Contents">
                %4$s<p><a href="%1$sapi/index.html">Javadoc</a></p>
                </nav>
                <main id="main" tabindex="-1">
                %5$s
                </main>
                %6$s
                </body>
                </html>
                """.formatted(up, Html.escape(title.equals("lora4j") ? title : title + " – lora4j"), Html.escape(version),
                list(page), body, aside);
    }

    private String list(String page) {
        StringBuilder list = new StringBuilder();
        for (Contents.Part part : contents.parts()) {
            list.append("<p>").append(Html.escape(part.title())).append("</p><ul>");
            for (Contents.Chapter chapter : part.chapters()) {
                list.append("<li").append(chapter.depth() > 0 ? " class=\"sub\"" : "").append("><a href=\"")
                        .append(Html.from(page, chapter.page())).append('"')
                        .append(chapter.page().equals(page) ? " aria-current=\"page\"" : "").append('>')
                        .append(Html.escape(chapter.title())).append("</a></li>");
            }
            list.append("</ul>\n");
        }
        return list.toString();
    }
}
