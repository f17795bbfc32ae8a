package org.lora4j.experiments.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.Backend;
import org.lora4j.backend.ForwardingBackend;

class ForwardingBackendTest {

    /** They are made of other operations, and must be made of those that a subclass changes. */
    private static final List<String> MADE_OF_OTHERS = List.of(
            "upload(float[],Tensor)", "upload(double[],Tensor)", "readFloats(Tensor)", "readDoubles(Tensor)",
            "add(Tensor,Tensor)", "matmulAll(List)");

    @Test
    void everyOperationIsHandedOn() {
        assertThat(signatures(Backend.class).filter(signature -> !MADE_OF_OTHERS.contains(signature)))
                .isSubsetOf(signatures(ForwardingBackend.class).toList());
    }

    private static Stream<String> signatures(Class<?> type) {
        return Stream.of(type.isInterface() ? type.getMethods() : type.getDeclaredMethods()) // of an interface, its families' too
                .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isSynthetic())
                .map(ForwardingBackendTest::signature);
    }

    private static String signature(Method method) {
        return Stream.of(method.getParameterTypes()).map(Class::getSimpleName)
                .collect(Collectors.joining(",", method.getName() + "(", ")"));
    }
}
