package example;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A site that tells people what it knows of them. */
@SpringBootApplication
@RestController
public class App {
    public static void main(String[] args) {
        SpringApplication.run(App.class, args);
    }

    @GetMapping({"/", "/me", "/orders"})
    ResponseEntity<Map<String, Object>> me(@AuthenticationPrincipal OidcUser user) {
        return ResponseEntity.ok().contentType(MediaType.APPLICATION_JSON).body(user.getClaims());
    }

    @GetMapping("/bye")
    String bye() {
        return "bye";
    }
}
