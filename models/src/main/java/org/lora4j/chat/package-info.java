/** Chats: their messages, the templates by which they become text, and which of their tokens a model learns. */
@org.jspecify.annotations.NullMarked
package org.lora4j.chat;
