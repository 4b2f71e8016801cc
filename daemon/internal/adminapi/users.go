package adminapi

import (
	"context"
	"strconv"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (h *handler) listUsers(ctx context.Context, c *call) (any, error) {
	orgID, names, err := h.within(ctx, c)
	if err != nil {
		return nil, err
	}
	users, err := h.Users.Users(ctx, orgID)
	if err != nil {
		return nil, err
	}
	answer := list(h, "users", make([]admin.User, 0, len(users)))
	for _, u := range users {
		answer.Items = append(answer.Items, wireUser(u, names[u.OrgID]))
	}
	return answer, nil
}

func (h *handler) addUser(ctx context.Context, c *call) (any, error) {
	a, err := decode[admin.UserAdd](c)
	if err != nil {
		return nil, err
	}
	if err := inbox.CheckName("user", a.Name); err != nil {
		return nil, err
	}
	org, err := h.ownOrg(ctx, c.caller, a.Org)
	if err != nil {
		return nil, err
	}
	user, err := h.Users.CreateUser(ctx, org.ID, a.Name)
	if err != nil {
		return nil, err
	}
	return one(h, "user", wireUser(user, org.Name)), nil
}

func wireUser(u inbox.User, org string) admin.User {
	return admin.User{ID: strconv.FormatInt(u.ID, 10), Name: u.Name, Org: org, CreatedAt: u.CreatedAt}
}
