/** Makes the book: one static site of the pages in {@code docs}, the Javadoc, and the sources of the tests they name. */
package org.lora4j.book;
