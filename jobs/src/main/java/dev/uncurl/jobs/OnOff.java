package dev.uncurl.jobs;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Options that are {@code on} or {@code off}. */
final class OnOff implements ITypeConverter<Boolean> {
    @Override
    public Boolean convert(String value) {
        return switch (value) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new TypeConversionException("'" + value + "' is neither on nor off");
        };
    }
}
