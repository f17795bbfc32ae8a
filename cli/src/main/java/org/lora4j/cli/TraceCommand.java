package org.lora4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.AdapterTuning;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j trace}: the auditor's tap. */
@Command(
        name = "trace",
        description = {
            "Writes what a model computes on one batch: logits, loss, gradients.",
            "",
            "The batch is a safetensors file with integers of shape (B, T): input_ids, and optionally attention_mask, "
                    + "token_type_ids and labels (-100 is ignored). The output has float32 logits (B, T, V); with labels, "
                    + "loss (1), the mean over the targets that are not ignored, shifted by one as in Transformers; with "
                    + "--gradients, grad.KEY for each trainable tensor, KEY as in the adapter's file. Dropout is off.",
            "",
            "A model or an adapter that classifies sequences has one label for each: labels (B), whole numbers of classes, or "
                    + "floats in regression. Its logits are (B, labels), its loss the mean over the sequences of the cross-entropy "
                    + "or of the squared error.",
        },
        footer = {
            "  lora4j trace --model base-6m --adapter my-adapter --gradients \\",
            "      --batch batch.safetensors --out out.safetensors",
        })
final class TraceCommand extends LoraCommand {

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "DIR", description = "An adapter's folder as PEFT writes it.")
    private Path adapter;

    @Option(names = "--batch", required = true, paramLabel = "FILE", description = "The batch, safetensors.")
    private Path batch;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "Where to write, safetensors.")
    private Path out;

    @Option(names = "--gradients", description = "Write gradients too; needs --adapter, and labels in the batch.")
    private boolean gradients;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        Destination.reading("--batch", batch).and("--model", model.folder()).and("--adapter", adapter).requireFileApart(out);
        boolean classifies = classifies();
        Batch tokens = classifies ? null : BatchFile.read(batch, ui());
        LabelledBatch labelled = classifies ? BatchFile.readLabelled(batch, ui()) : null;
        if (gradients && adapter == null) {
            throw wrongUse("--gradients without --adapter: a base model alone has nothing that trains");
        }
        if (gradients && (classifies ? labelled.labels() == null : tokens.labels() == null)) {
            throw wrongUse("--gradients: " + batch + " has no labels, and without them there is no loss to derive");
        }
        try (Backend b = backend.open()) {
            TracedBatch traced = classifies ? new TracedBatch.OfSequences(classifier(b), labelled)
                    : new TracedBatch.OfTokens(model.load(b), tokens);
            requireRoom(traced);
            AdapterTuning attached = adapter == null ? null : MethodFolder.attach(traced.model(), adapter, ui()::info);
            SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
            Workspace inference = Workspace.forInference(b, traced.sequences().inputIds().length);
            try {
                addLogits(writer, traced, b, inference);
                if (traced.hasLabels()) {
                    addLoss(writer, traced, attached, b, inference);
                }
            } catch (LoraException e) { // a token or a length that the model does not have
                throw new FormatException(batch, e.getMessage(), e);
            }
            writer.write(out);
        }
        ui().info("wrote " + out);
        return ExitCode.OK;
    }

    private boolean classifies() {
        return Families.isClassifier(model.folder())
                || adapter != null && AdapterHead.of(adapter, Families.of(model.folder()).names()).isPresent();
    }

    private SequenceClassifier classifier(Backend b) {
        ClassifierHead head = adapter == null ? ClassifierHead.asStored() : ClassifierHead.forAdapter(adapter, model.folder());
        SequenceClassifier loaded =
                Families.classifier(model.folder(), b, head, BaseDropout.NONE, model.heldIn(), ui()::warnOnce);
        if (adapter != null) {
            AdapterHead.require(loaded, adapter);
        }
        return loaded;
    }

    /** What a pass holds of every position at once must be an array; the refusal comes before the memory is asked for. */
    private void requireRoom(TracedBatch traced) {
        Batch input = traced.sequences();
        ModelSizes sizes = traced.model().sizes();
        long logits = traced instanceof TracedBatch.OfTokens ? sizes.vocabulary() : 1;
        long widest = Math.max(logits, Math.max(4L * sizes.width(), (long) sizes.heads() * input.length()));
        long most = Integer.MAX_VALUE / widest;
        if ((long) input.size() * input.length() > most && input.length() <= sizes.positions()) {
            throw new FormatException(batch, "input_ids has shape (" + input.size() + ", " + input.length() + "), "
                    + (long) input.size() * input.length() + " positions; this model can take " + most
                    + " in a batch. Split it into several");
        }
    }

    private void addLogits(SafetensorsWriter writer, TracedBatch traced, Backend b, Workspace inference) {
        double[] logits = b.readDoubles(traced.logits(inference));
        if (Arrays.stream(logits).anyMatch(Double::isNaN)) {
            ui().warn("some logits are NaN: the model's weights, or the adapter's, hold values that are not finite");
        }
        writer.add("logits", DType.F32, traced.shape(), logits);
    }

    private void addLoss(
            SafetensorsWriter writer, TracedBatch traced, AdapterTuning attached, Backend b, Workspace inference) {
        int targets = traced.targets();
        if (targets == 0) {
            ui().warn("no label is a target (all are -100 or in the first column), so the loss is NaN, as in Transformers");
        }
        writer.add("loss", DType.F32, Shape.of(1), new double[] {traced.loss(inference) / targets});
        List<PeftFormat.Entry> entries = gradients ? attached.entries() : Collections.emptyList();
        if (gradients && targets > 0) {
            traced.gradients(Workspace.forGradients(b, traced.sequences().inputIds().length));
        }
        for (PeftFormat.Entry entry : entries) {
            writer.add("grad." + entry.key(), DType.F32, entry.shape(),
                    entry.inFileLayout(b, entry.parameter().gradient()));
        }
    }
}
