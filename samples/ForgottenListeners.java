// The fault: every View registers itself with the one Button and none ever leaves, so that the button's listener list
// keeps all views that were ever shown.
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

public final class ForgottenListeners {
    interface ClickListener {
        void clicked();
    }

    static final class Button {
        private final List<ClickListener> listeners = new ArrayList<>();

        void addListener(ClickListener listener) {
            listeners.add(listener);
        }
    }

    static final class View implements ClickListener {
        final byte[] pixels = new byte[PIXELS];
        int clicks;

        View(Button button) {
            button.addListener(this);  // and where is removeListener()?
        }

        @Override
        public void clicked() {
            clicks++;
        }
    }

    static final int PIXELS = 1000;
    static final Button BUTTON = new Button();

    static void showAndClose(int views) {
        for (int i = 0; i < views; i++) new View(BUTTON);
    }

    public static void main(String[] arguments) throws IOException {
        int views = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 2000;
        showAndClose(views);
        new Truth(ForgottenListeners.class)
                .count(View.class, views, "strong")
                .count(Button.class, 1, "strong")
                .suspect("listener_list", "BUTTON", (long) views * PIXELS)
                .ready();
    }
}
