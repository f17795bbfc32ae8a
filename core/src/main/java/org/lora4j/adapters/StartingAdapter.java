package org.lora4j.adapters;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.lora4j.Names;
import org.lora4j.io.MemoryTensors;
import org.lora4j.io.NamedTensor;
import org.lora4j.model.Classifier;
import org.lora4j.tuning.lora.LoraAdapter;

/**
 * Begins a classifier's training with the updates of an adapter that was trained on another task, as the paper begins MRPC, RTE
 * and STS-B with MNLI's (section 5.1). What is the other task's alone, its head, is left out, and the model's own trains instead.
 */
public final class StartingAdapter {

    private StartingAdapter() {
    }

    /**
     * Attaches it, trainable.
     *
     * @param anew    whether the adapter's head is left out even where its labels are the model's
     * @param remarks is told what became of the head
     * @throws org.lora4j.LoraException if it does not fit the model; the model is then as it was
     */
    public static LoraAdapter attach(Classifier<?> model, StoredAdapter adapter, boolean anew, Consumer<String> remarks) {
        Optional<AdapterHead> head = AdapterHead.of(adapter.source(), model.names());
        boolean kept = !anew && head.filter(found -> found.labels() == model.labels())
                .flatMap(AdapterHead::names).filter(model.labelNames()::equals).isPresent();
        if (kept || head.isEmpty()) {
            return PeftFormat.load(model, adapter.path(), adapter.config(), adapter.source(), remarks);
        }
        List<NamedTensor> updates = adapter.tensors().stream().filter(tensor -> !isOfHead(model, tensor)).toList();
        remarks.accept(Names.oneLine("adapter '" + adapter.path() + "': its head is for " + head.get().answers()
                + " and is left out; training begins with its updates and a new head for "
                + AdapterHead.answers(model.labels(), model.labelNames())));
        Map<String, String> metadata = adapter.metadata().entrySet().stream().filter(entry -> !entry.getKey().equals(PeftFormat.LABELS))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        return PeftFormat.load(model, adapter.path(), adapter.config(), new MemoryTensors(adapter.path(), updates, metadata),
                remark -> { }); // that there is no head is no news
    }

    private static boolean isOfHead(Classifier<?> model, NamedTensor tensor) {
        return tensor.name().startsWith(PeftFormat.PREFIX)
                && model.names().isOfClassifier(tensor.name().substring(PeftFormat.PREFIX.length()));
    }
}
