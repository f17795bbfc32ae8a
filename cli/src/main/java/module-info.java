/** The command line. */
module org.lora4j.cli {
    requires info.picocli;
    requires jdk.incubator.vector;
    requires jdk.management;
    requires me.tongfei.progressbar;
    requires org.lora4j.backend.cpu;
    requires org.lora4j.backend.tornado;
    requires org.lora4j.experiments;
    requires org.lora4j.server;

    exports org.lora4j.cli; // for a cluster's workers, which run commands

    uses org.lora4j.cli.Cluster;

    opens org.lora4j.cli to info.picocli, com.fasterxml.jackson.databind;
}
