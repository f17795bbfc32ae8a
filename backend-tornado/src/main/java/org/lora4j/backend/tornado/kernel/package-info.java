/**
 * The kernels: static methods over arrays, one family in each file, ordinary Java that TornadoVM compiles for a device and
 * any JVM runs as it stands.
 *
 * <p>All have one signature, so that recording and executing know nothing about them:
 *
 * <pre>
 *   kernel(memory, tables, args, factors, slot)
 *     memory    every tensor of the backend: an operand is an offset into it, and a row stride where it is a view
 *     tables    whole numbers that operations read: token ids, targets, masks, and lists of operands
 *     args      this launch's offsets and sizes, from element {@code slot} on
 *     factors   this launch's real numbers (alpha, eps, learning rate …), from element {@code slot/8} on
 *     slot      where this launch's numbers begin; a constant of the compiled kernel
 * </pre>
 *
 * <p>Offsets, sizes and factors are read from arrays and not passed as arguments, because TornadoVM makes constants of
 * scalar arguments and of array lengths: this way one compiled kernel serves every shape, step and learning rate.
 *
 * <p>What a kernel must do without, since it does not compile for OpenCL or computes something else there: exceptions,
 * {@code Math.fma}, {@code Math.min} and {@code max} of floats, {@code @Reduce}, and reading the bits of a float. Elementary
 * functions are therefore written out in {@link org.lora4j.backend.tornado.kernel.KernelMath}.
 */
package org.lora4j.backend.tornado.kernel;
