/**
 * The maintain command: relocates a warehouse that was copied or moved. Uses cli, warehouse.
 */
package dev.uncurl.jobs.maintain;
