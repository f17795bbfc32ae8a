/**
 * The backend on TornadoVM: operations are recorded, fused, and run on a device when the host reads.
 *
 * <pre>
 *   TornadoBackend   checks an operation and records it as an Operation: a kernel, offsets, sizes, what it reads and writes
 *   Recording        puts together what belongs together: a product with its bias, GELU, residual and LoRA update
 *   Executor         runs the list: GraphExecutor as task graphs on a device, JavaExecutor in plain Java for tests
 * </pre>
 *
 * <p>{@code org.lora4j.backend.tornado.kernel} holds the arithmetic.
 */
package org.lora4j.backend.tornado;
