/**
 * The paper's data-to-text tasks: {@link org.lora4j.experiments.data.E2e}, {@link org.lora4j.experiments.data.WebNlg} and
 * {@link org.lora4j.experiments.data.Dart}; {@link org.lora4j.experiments.data.DataName} finds data by the name a user gives.
 */
package org.lora4j.experiments.data;
