/** What people train and use: models, tokenizers, data, training, generation. */
module org.lora4j.models {
    requires com.google.common;
    requires org.apache.commons.csv;
    requires transitive org.lora4j.core;
    requires static org.jspecify;

    exports org.lora4j.chat;
    exports org.lora4j.chat.jinja;
    exports org.lora4j.data;
    exports org.lora4j.family;
    exports org.lora4j.generate;
    exports org.lora4j.gpt2;
    exports org.lora4j.llama;
    exports org.lora4j.plan;
    exports org.lora4j.task;
    exports org.lora4j.tokenizer;
    exports org.lora4j.train;

    opens org.lora4j.train to com.fasterxml.jackson.databind; // the progress in a checkpoint

    uses org.lora4j.family.ModelFamily;

    provides org.lora4j.family.ModelFamily with
            org.lora4j.gpt2.Gpt2Family, org.lora4j.bert.BertFamily, org.lora4j.deberta.DebertaFamily,
            org.lora4j.distilbert.DistilBertFamily, org.lora4j.llama.LlamaFamily, org.lora4j.roberta.RobertaFamily;
    provides org.lora4j.model.ModelNames with
            org.lora4j.gpt2.Gpt2Names, org.lora4j.bert.BertNames, org.lora4j.deberta.DebertaNames,
            org.lora4j.distilbert.DistilBertNames, org.lora4j.llama.LlamaNames, org.lora4j.roberta.RobertaNames;
}
