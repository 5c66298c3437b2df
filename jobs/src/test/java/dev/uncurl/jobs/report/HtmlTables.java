package dev.uncurl.jobs.report;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** A page as an XML parser sees it, with its tables by their captions. */
public final class HtmlTables {
    /** @param step the shade, -1 without one */
    public record Cell(String text, String title, int step) {}

    private final Document document;

    private HtmlTables(Document document) {
        this.document = document;
    }

    public static HtmlTables of(byte[] page) {
        try {
            var parser = DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder();
            parser.setErrorHandler(null);
            return new HtmlTables(parser.parse(new ByteArrayInputStream(page)));
        } catch (Exception e) {
            throw new AssertionError("The page is not well-formed", e);
        }
    }

    /** Rows of the one table with this caption, its header first. */
    public List<List<Cell>> rows(String caption) {
        List<Element> tables = elements(document.getDocumentElement(), "table").stream()
                .filter(table ->
                        elements(table, "caption").get(0).getTextContent().equals(caption))
                .toList();
        if (tables.size() != 1) {
            throw new AssertionError(tables.size() + " tables with caption " + caption);
        }
        var rows = new ArrayList<List<Cell>>();
        for (Element row : elements(tables.get(0), "tr")) {
            var cells = new ArrayList<Cell>();
            for (Element cell : elements(row, "*")) {
                if (cell.getTagName().matches("t[hd]")) {
                    String shade = cell.getAttribute("class");
                    int step = shade.matches("v\\d") ? shade.charAt(1) - '0' : -1;
                    cells.add(new Cell(cell.getTextContent(), cell.getAttribute("title"), step));
                }
            }
            rows.add(cells);
        }
        return rows;
    }

    /** Elements of a name in the order of the page. */
    List<Element> all(String name) {
        return elements(document.getDocumentElement(), name);
    }

    /** All text of the page, its style included. */
    String text() {
        return document.getDocumentElement().getTextContent();
    }

    Set<String> names() {
        var names = new TreeSet<String>();
        elements(document.getDocumentElement(), "*").forEach(element -> names.add(element.getTagName()));
        return names;
    }

    Set<String> attributes() {
        var attributes = new TreeSet<String>();
        for (Element element : elements(document.getDocumentElement(), "*")) {
            for (int i = 0; i < element.getAttributes().getLength(); i++) {
                attributes.add(element.getAttributes().item(i).getNodeName());
            }
        }
        return attributes;
    }

    private static List<Element> elements(Element parent, String name) {
        NodeList found = parent.getElementsByTagName(name);
        var elements = new ArrayList<Element>();
        for (int i = 0; i < found.getLength(); i++) {
            elements.add((Element) found.item(i));
        }
        return elements;
    }
}
