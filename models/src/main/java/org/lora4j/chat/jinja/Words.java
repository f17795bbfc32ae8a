package org.lora4j.chat.jinja;

import java.util.List;
import org.lora4j.chat.jinja.Lexer.Kind;
import org.lora4j.chat.jinja.Lexer.Token;

/** The words of a template, read one after the other. */
final class Words {

    private final List<Token> tokens;
    private int at;
    private int depth;

    Words(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token now() {
        return tokens.get(at);
    }

    Token ahead() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        at = Math.min(at + 1, tokens.size() - 1);
        return token;
    }

    boolean is(Kind kind) {
        return now().kind() == kind;
    }

    boolean isOperator(String text) {
        return now().is(Kind.OPERATOR, text);
    }

    boolean isName(String text) {
        return now().is(Kind.NAME, text);
    }

    boolean skipOperator(String text) {
        boolean found = isOperator(text);
        at += found ? 1 : 0;
        return found;
    }

    boolean skipName(String text) {
        boolean found = isName(text);
        at += found ? 1 : 0;
        return found;
    }

    void expectOperator(String text) {
        if (!skipOperator(text)) {
            throw unexpected("'" + text + "'");
        }
    }

    void expectName(String text) {
        if (!skipName(text)) {
            throw unexpected(text);
        }
    }

    void expect(Kind kind) {
        if (next().kind() != kind) {
            at--;
            throw unexpected(kind == Kind.BLOCK_END ? "the end of the tag" : kind == Kind.VARIABLE_END ? "}}" : kind.toString());
        }
    }

    String name() {
        if (!is(Kind.NAME)) {
            throw unexpected("a name");
        }
        return next().text();
    }

    /** Around what is nested; a template of brackets alone does not exhaust the stack. */
    void deeper() {
        if (++depth > 150) {
            throw new JinjaException("nested more than 150 deep", now().line(), false);
        }
    }

    void shallower() {
        depth--;
    }

    JinjaException unexpected(String expected) {
        Token token = now();
        String found = switch (token.kind()) {
            case END -> "the template's end";
            case BLOCK_END, VARIABLE_END -> "the end of the tag";
            case TEXT, BLOCK_BEGIN, VARIABLE_BEGIN -> "text";
            case STRING -> PythonText.repr(token.text());
            default -> "'" + token.text() + "'";
        };
        return new JinjaException("expected " + expected + ", found " + found, token.line(), false);
    }
}
