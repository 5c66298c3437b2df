/**
 * The maintain command: care of the warehouse, so far the relocation of one that was copied or moved. Uses cli, warehouse.
 */
package dev.uncurl.jobs.maintain;
