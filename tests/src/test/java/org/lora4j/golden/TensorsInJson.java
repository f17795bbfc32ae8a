package org.lora4j.golden;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Base64;
import org.lora4j.io.JsonFile;

/** Tensors as llm-viz keeps them: a JSON object with a shape and the base64 of little-endian float32 for each name. */
record TensorsInJson(JsonNode root) {

    static TensorsInJson read(Path file) {
        return new TensorsInJson(JsonFile.read(file));
    }

    float[] floats(String name) {
        byte[] bytes = Base64.getDecoder().decode(root.required(name).required("data").asText());
        float[] values = new float[bytes.length / Float.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    double[] doubles(String name) {
        float[] floats = floats(name);
        double[] values = new double[floats.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }
}
