/** WikiSQL's questions, tables and queries, and how written queries are scored. */
package org.lora4j.experiments.sql;
