/**
 * One record for each table, and the mapper between records and Spark's rows. The definition of the columns is in
 * schemas/*.sql; a record names them in lowerCamelCase and has an Optional for each that may be null.
 */
package dev.uncurl.jobs.warehouse.row;
