/**
 * The numbers that the paper prints, each beside what its formula gives and what is allocated here. What is printed is data
 * ({@code paper.csv}); what stands beside it is computed.
 */
package org.lora4j.experiments.ledger;
