/** The paper's experiments: their data and base, scores, reports, the comparison of backends, and benchmarks. */
@SuppressWarnings("requires-automatic") // the stemmer, WordNet and Chart.js have no descriptors
module org.lora4j.experiments {
    requires chart.js;
    requires com.google.common;
    requires com.samskivert.jmustache;
    requires extjwnl.data.wn30;
    requires java.sql;
    requires org.apache.commons.csv;
    requires org.xerial.sqlitejdbc;
    requires static org.jspecify;
    requires transitive org.lora4j.models;
    requires snowball.stemmer;

    exports org.lora4j.experiments.analysis;
    exports org.lora4j.experiments.base;
    exports org.lora4j.experiments.bench;
    exports org.lora4j.experiments.compare;
    exports org.lora4j.experiments.data;
    exports org.lora4j.experiments.evaluate;
    exports org.lora4j.experiments.ledger;
    exports org.lora4j.experiments.explain;
    exports org.lora4j.experiments.metrics;
    exports org.lora4j.experiments.report;
    exports org.lora4j.experiments.reproduce;
    exports org.lora4j.experiments.sql;

    opens org.lora4j.experiments.evaluate to com.fasterxml.jackson.databind;
    opens org.lora4j.experiments.report to com.fasterxml.jackson.databind, com.samskivert.jmustache;
    opens org.lora4j.experiments.reproduce to com.fasterxml.jackson.databind;
}
