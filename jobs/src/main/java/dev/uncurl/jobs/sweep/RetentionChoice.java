package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import dev.uncurl.jobs.maintain.Retention;
import java.util.Optional;

/**
 * What stays of the warehouse after each run, as in maintain.
 *
 * @param nights the newest dates of each sweep whose models stay; 0: nothing is deleted
 * @param expireDays days for which earlier states of tables can be read
 * @param orphanDays age from which files that belong to nothing are removed
 */
record RetentionChoice(int nights, int expireDays, int orphanDays) {
    RetentionChoice {
        check(nights >= 0, "retention.nights", nights, "a number of dates, 0 to delete nothing");
        if (nights > 0) {
            new Retention.Terms(expireDays, nights, orphanDays);
        }
    }

    /** Empty if nothing is deleted. */
    Optional<Retention.Terms> terms() {
        return nights == 0 ? Optional.empty() : Optional.of(new Retention.Terms(expireDays, nights, orphanDays));
    }
}
