package example;

import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.HashSet;
import java.util.Set;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.authority.mapping.GrantedAuthoritiesMapper;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2LoginAuthenticationFilter;
import org.springframework.security.oauth2.core.oidc.user.OidcUserAuthority;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;

@Configuration
class Security {
    private static final String LEVEL = "LEVEL_2FA";
    private static final Set<String> ENOUGH = Set.of("urn:futakagi:acr:2fa", "phr");

    @Bean
    SecurityFilterChain signIn(HttpSecurity http, ClientRegistrationRepository clients, HttpServletRequest current) throws Exception {
        var resolver = new DefaultOAuth2AuthorizationRequestResolver(clients);
        resolver.setAuthorizationRequestCustomizer(request -> {
            if (current.getParameter("step_up") != null) {
                request.additionalParameters(p -> p.put("acr_values", "urn:futakagi:acr:2fa"));
            }
        });
        var stepUp = new LoginUrlAuthenticationEntryPoint("/oauth2/authorization/futakagi?step_up");
        var logout = new OidcClientInitiatedLogoutSuccessHandler(clients);
        logout.setPostLogoutRedirectUri("{baseUrl}/bye");
        return http
            .authorizeHttpRequests(a -> a
                .requestMatchers("/bye").permitAll()
                .requestMatchers("/orders/**").hasAuthority(LEVEL)
                .anyRequest().authenticated())
            // Who is signed in and lacks the level goes to prove more, and comes back to the page.
            .exceptionHandling(e -> e.defaultDeniedHandlerForMissingAuthority(stepUp, LEVEL))
            .addFilterBefore(soundAnswers(clients), OAuth2LoginAuthenticationFilter.class)
            .oauth2Login(l -> l.authorizationEndpoint(e -> e.authorizationRequestResolver(resolver)))
            .logout(l -> l.logoutSuccessHandler(logout))
            .build();
    }

    // Spring does not look at the issuer of an answer (RFC 9207), and takes a code that comes with an error: those go no further than here.
    private static Filter soundAnswers(ClientRegistrationRepository clients) {
        var issuer = clients.findByRegistrationId("futakagi").getProviderDetails().getIssuerUri();
        return (request, response, chain) -> {
            var answer = ((HttpServletRequest) request).getServletPath().equals("/login/oauth2/code/futakagi");
            var both = request.getParameter("error") != null && request.getParameter("code") != null;
            if (answer && (both || !issuer.equals(request.getParameter("iss")))) {
                ((HttpServletResponse) response).setStatus(HttpServletResponse.SC_FORBIDDEN);
                return;
            }
            chain.doFilter(request, response);
        };
    }

    // The level becomes an authority of the sign-in.
    @Bean
    GrantedAuthoritiesMapper levels() {
        return authorities -> {
            var all = new HashSet<GrantedAuthority>(authorities);
            for (var authority : authorities) {
                if (authority instanceof OidcUserAuthority oidc && ENOUGH.contains(oidc.getIdToken().getClaimAsString("acr"))) {
                    all.add(new SimpleGrantedAuthority(LEVEL));
                }
            }
            return all;
        };
    }
}
