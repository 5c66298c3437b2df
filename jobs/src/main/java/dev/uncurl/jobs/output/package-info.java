/**
 * Output for users: tables as text and CSV, numbers, files, standard output. Ground: uses no other room.
 */
package dev.uncurl.jobs.output;
