/**
 * The report command: prints comparisons and finetuned models as text, and draws two HTML pages, that of a study
 * (StudyPage) and that of a routing (RoutingPage). Reads tables only. Uses evaluate (to resolve the names of tasks), cli,
 * warehouse, output.
 */
package dev.uncurl.jobs.report;
