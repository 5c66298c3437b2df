package dev.uncurl.jobs.report;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * Writes a page that is both HTML and well-formed XML. Escapes all texts and attribute values. Example:
 * {@code open("td", "class", "v3").text("0.25").close()}.
 */
final class Markup {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final XMLStreamWriter xml;

    Markup() {
        try {
            xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(bytes, StandardCharsets.UTF_8.name());
            xml.writeDTD("<!DOCTYPE html>");
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Opens an element with attributes {@code name, value, name, value, ...}. */
    Markup open(String element, String... attributes) {
        try {
            xml.writeStartElement(element);
            for (int i = 0; i < attributes.length; i += 2) {
                xml.writeAttribute(attributes[i], attributes[i + 1]);
            }
            return this;
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Opens an SVG image of a chart. @param alternative what it shows, in words */
    Markup chart(int width, int height, String alternative) {
        String w = Integer.toString(width);
        String h = Integer.toString(height);
        String box = "0 0 " + w + " " + h;
        return open(
                "svg",
                "class",
                "chart",
                "viewBox",
                box,
                "width",
                w,
                "height",
                h,
                "role",
                "img",
                "aria-label",
                alternative);
    }

    Markup text(String text) {
        try {
            xml.writeCharacters(text);
            return this;
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Closes the innermost element with an end tag, which HTML requires for elements that can have content. */
    Markup close() {
        try {
            xml.writeEndElement();
            return this;
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
    }

    /** An element that contains text only. */
    Markup element(String element, String text, String... attributes) {
        return open(element, attributes).text(text).close();
    }

    /** An element without an end tag in HTML, such as meta. */
    Markup empty(String element, String... attributes) {
        try {
            xml.writeEmptyElement(element);
            for (int i = 0; i < attributes.length; i += 2) {
                xml.writeAttribute(attributes[i], attributes[i + 1]);
            }
            return this;
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
    }

    byte[] toBytes() {
        try {
            xml.writeEndDocument();
            xml.close();
            return bytes.toByteArray();
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
    }
}
