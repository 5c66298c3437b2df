/**
 * The report command: prints comparisons and finetuned models as text, and draws HTML pages: of a study
 * (StudyPage), of a routing (RoutingPage) and of a sweep (SweepPage). Reads tables; only the report of a sweep writes, the
 * comparisons that its numbers are from. Uses evaluate (to compare, and to resolve the names of tasks), cli, warehouse, output.
 */
package dev.uncurl.jobs.report;
