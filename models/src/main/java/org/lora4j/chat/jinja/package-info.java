/** A small interpreter of Jinja, as much of the language as templates of chats are written in; of Python and files it sees nothing. */
@org.jspecify.annotations.NullMarked
package org.lora4j.chat.jinja;
