/** Tasks that are no part of lora4j: what it takes to add one. */
package org.lora4j.task;
