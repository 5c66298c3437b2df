package dev.uncurl.jobs.report;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A row of the view cell_settings: one setting of a sweep by one metric. */
record SettingRow(
        String modelId,
        int expertsBefore,
        String task,
        String split,
        Optional<String> recipe,
        String metric,
        String role,
        Optional<String> planTask,
        Optional<String> method,
        Optional<String> weights,
        Optional<String> budget,
        Optional<String> options,
        Optional<Integer> experts,
        Optional<String> router,
        long seeds,
        long n,
        double value,
        Optional<Double> valueLow,
        Optional<Double> valueHigh,
        Optional<Double> difference,
        Optional<Double> low,
        Optional<Double> high,
        Optional<Double> detectable,
        Optional<Double> margin,
        Optional<Boolean> notWorse,
        Optional<String> letters,
        Optional<List<String>> flags,
        Optional<Long> parameters,
        Optional<Long> bytes,
        Optional<Double> latencyRatio,
        Optional<Boolean> dominated,
        Optional<Boolean> latencyDominated,
        List<String> models,
        Optional<String> comparisonId,
        String data,
        int position) {

    boolean is(String wanted) {
        return role.equals(wanted);
    }

    boolean isCompared() {
        return comparisonId.isPresent();
    }

    SettingName settingName() {
        return new SettingName(role, planTask, method, weights, budget, options);
    }

    /** Such as "uncurl, adaptive (map)". */
    String name() {
        return settingName().text() + router.map(rule -> " (" + rule + ")").orElse("");
    }

    boolean lowerIsBetter() {
        return Compared.lowerIsBetter(metric);
    }

    /** How much worse it is than the unpruned model, below 0 if it is better; 0 if that is unknown. */
    double cost() {
        return difference.map(less -> lowerIsBetter() ? less : -less).orElse(0.0);
    }

    /** The 95% interval of the difference, such as "-0.010 to +0.002"; empty without one. */
    String interval() {
        return low.map(from -> IntervalChart.signed(from) + " to " + IntervalChart.signed(high.orElseThrow()))
                .orElse("");
    }

    /** Whether two settings share no letter. */
    boolean isSeparatedFrom(SettingRow other) {
        return letters.isPresent()
                && other.letters.isPresent()
                && letters.get().chars().noneMatch(letter -> other.letters.get().indexOf(letter) >= 0);
    }

    /**
     * The row as a comparison has it, with the name of the setting as its method.
     *
     * @param against id of the unpruned model
     */
    Compared compared(String against) {
        boolean baseline = is(SettingName.PARENT);
        return new Compared(
                comparisonId.orElseThrow(),
                Instant.EPOCH,
                task,
                split,
                data,
                against,
                baseline ? against : SweepComparisons.label(settingName().text(), experts, router, models.size()),
                models,
                baseline ? Optional.empty() : Optional.of(settingName().text()),
                router,
                baseline ? Optional.empty() : experts,
                metric,
                n,
                (int) seeds,
                value,
                difference.orElse(0.0),
                low.orElseThrow(),
                high.orElseThrow(),
                Optional.empty(),
                detectable,
                margin.orElseThrow(),
                notWorse,
                letters,
                valueLow,
                valueHigh,
                flags);
    }
}
