// The fault: a linked list that is as long as the program has run. What it shows: nothing that walks a heap may recurse
// along it. Argument: nodes, default one million; the checked-in dump has 5,000.
import java.io.IOException;

public final class MillionNodeList {
    static final class Node {
        final Node next;
        final long value;

        Node(Node next, long value) {
            this.next = next;
            this.value = value;
        }
    }

    static Node head;

    public static void main(String[] arguments) throws IOException {
        int nodes = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1_000_000;
        for (int i = 0; i < nodes; i++) head = new Node(head, i);
        new Truth(MillionNodeList.class)
                .count(Node.class, nodes, "strong")
                .suspect(null, "head", 16L * nodes)
                .ready();
    }
}
