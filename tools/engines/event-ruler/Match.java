import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;
import software.amazon.event.ruler.JsonRuleCompiler;

/**
 * Reads lines of JSON with a pattern and an event, and answers each with a line: true, false, or
 * why the pattern is wrong. It ends when its input ends.
 */
class Match {
  public static void main(String[] args) throws Exception {
    ObjectMapper json = new ObjectMapper();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode question = json.readTree(line);
      System.out.println(answer(question.get("pattern").toString(), question.get("event").toString()));
    }
  }

  private static String answer(String pattern, String event) throws Exception {
    String wrong = JsonRuleCompiler.check(pattern);
    if (wrong != null) {
      return wrong.replace('\n', ' ');
    }
    Machine machine = new Machine();
    machine.addRule("pattern", pattern);
    return String.valueOf(!machine.rulesForJSONEvent(event).isEmpty());
  }
}
