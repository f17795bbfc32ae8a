/**
 * The kernel contract: one suite of tests, split by operation family, that every backend has to pass. Expected values come
 * from {@link org.lora4j.contract.Oracle} and its like, plain double loops written another way than the reference backend;
 * bounds are roundings counted, times the unit roundoff, times the size of what was summed.
 */
package org.lora4j.contract;
